import { createHash } from 'node:crypto';
import { schemaProblems } from '@runnel/kit';
import { ModelEndpoint, ModelEntry } from '@runnel/protocol/http';
import type { ChatModel, SecretKeyRef } from '../kinds/chat-model.ts';

export const nameOf = ({ metadata }: ChatModel): string => metadata?.name ?? '';
export const idOf = (model: ChatModel): string => model.spec.id ?? nameOf(model);
const keyFileOf = (model: ChatModel): string => `${nameOf(model)}.key`;

/** What a reference is called: in messages, and where values are looked up. */
export const refName = ({ name, key }: SecretKeyRef): string => `${name}/${key}`;

/**
 * The file of any other value than the key: by what it refers to, so that two places that change their order change nothing. No object has an
 * underscore in its name, so no object's file can be another's.
 */
const valueFileOf = (model: ChatModel, ref: SecretKeyRef): string =>
  `${nameOf(model)}_${createHash('sha256').update(refName(ref)).digest('hex').slice(0, 16)}.key`;

/** Whether a file is one of this object's. */
export const isFileOf = (model: ChatModel, file: string): boolean => file === keyFileOf(model) || file.startsWith(`${nameOf(model)}_`);

/** Every value of a Secret that a model names, by the file in which pods find it. Pure. */
export const secretsOf = (model: ChatModel): ReadonlyMap<string, SecretKeyRef> => {
  const { apiKey, headersFrom = {}, endpoints = [] } = model.spec;
  const others = [...Object.values(headersFrom), ...endpoints.flatMap((endpoint) => endpoint.apiKey ?? [])];
  return new Map([
    ...(apiKey ? [[keyFileOf(model), apiKey.secretKeyRef] as const] : []),
    ...others.map(({ secretKeyRef }) => [valueFileOf(model, secretKeyRef), secretKeyRef] as const),
  ]);
};

/** The files that an entry needs, by their names in `dir`. Pure. */
export const filesOf = ({ apiKeyFile, headersFile = {}, endpoints = [] }: ModelEntry, dir: string): string[] => {
  const paths = [apiKeyFile, ...Object.values(headersFile), ...endpoints.map((endpoint) => endpoint.apiKeyFile)];
  return [...new Set(paths.flatMap((path) => (path === undefined ? [] : [path.slice(dir.length + 1)])))];
};

/** What AI pods of this release read; a field of a newer kind than theirs would make them refuse the whole file. */
const known = <T extends object>(said: T, properties: object): Partial<T> =>
  Object.fromEntries(Object.entries(said).filter(([name]) => Object.hasOwn(properties, name))) as Partial<T>;

/** What AI pods say of a request themselves. */
const OURS = ['messages', 'model', 'system', 'stream'];
const REMOTE_ONLY = ['apiKeyFile', 'headers', 'headersFile', 'endpoints', 'query', 'proxy', 'body', 'topP', 'stop'] as const;
const OPENAI_ONLY = ['frequencyPenalty', 'presencePenalty', 'seed', 'maxTokensField'] as const;

/**
 * What no schema says and AI pods refuse, together with every other model of the file. The API server knows most of it as rules; an object that
 * is older than they are has not met them.
 */
const foreignProblems = (entry: ModelEntry): string[] => {
  const { baseURL, endpoints = [], body = {} } = entry;
  const isOpenAi = entry.provider === 'openai-compatible';
  const isRemote = isOpenAi || entry.provider === 'anthropic';
  const foreign = isRemote ? (isOpenAi ? [] : OPENAI_ONLY) : [...REMOTE_ONLY, ...OPENAI_ONLY];
  const isKeyed = entry.apiKeyFile !== undefined || (endpoints.length > 0 && endpoints.every(({ apiKeyFile }) => apiKeyFile !== undefined));
  return [
    ...(isOpenAi && baseURL === undefined && endpoints.length === 0
      ? ['/baseURL is missing: openai-compatible needs it, or endpoints']
      : []),
    ...(entry.provider === 'anthropic' && !isKeyed ? ['/apiKey is missing: anthropic needs it'] : []),
    ...(entry.provider === 'local' && entry.model === undefined ? ['/model is missing: local needs the path of a GGUF file'] : []),
    ...foreign.filter((field) => entry[field] !== undefined).map((field) => `/${field} does not apply to provider ${entry.provider}`),
    ...OURS.filter((name) => name in body).map((name) => `/body/${name} is what Runnel says itself: it cannot be set`),
    ...(baseURL !== undefined && endpoints.length > 0 ? ['/endpoints and baseURL are both set: one of them says where it is'] : []),
    ...(endpoints.length > 0 && endpoints.every(({ weight }) => weight === 0)
      ? ['/endpoints/0/weight and all others are 0: one endpoint at least is needed']
      : []),
    ...endpoints.flatMap(({ baseURL: url }, at) => (URL.canParse(url) ? [] : [`/endpoints/${at}/baseURL is ${url}, which is no address`])),
    ...(baseURL !== undefined && !URL.canParse(baseURL) ? [`/baseURL is ${baseURL}, which is no address`] : []),
  ];
};

/** The entry that an object stands for, or what is wrong with it. `dir` is where pods find files. Pure. */
export const entryOf = (model: ChatModel, dir: string): { entry: ModelEntry } | { problems: string[] } => {
  const { apiKey, headersFrom, endpoints, id: _id, ...said } = model.spec;
  const fileFor = (ref: SecretKeyRef): string => `${dir}/${valueFileOf(model, ref)}`;
  const entry = {
    id: idOf(model),
    ...known(said, ModelEntry.properties),
    ...(apiKey && { apiKeyFile: `${dir}/${keyFileOf(model)}` }),
    ...(headersFrom && {
      headersFile: Object.fromEntries(Object.entries(headersFrom).map(([name, { secretKeyRef }]) => [name, fileFor(secretKeyRef)])),
    }),
    ...(endpoints && {
      endpoints: endpoints.map(({ apiKey: own, ...rest }) => ({
        ...known(rest, ModelEndpoint.properties),
        ...(own && { apiKeyFile: fileFor(own.secretKeyRef) }),
      })),
    }),
  };
  const problems = [...schemaProblems(ModelEntry, entry)];
  if (problems.length === 0) problems.push(...foreignProblems(entry as ModelEntry));
  return problems.length > 0 ? { problems } : { entry: entry as ModelEntry };
};
