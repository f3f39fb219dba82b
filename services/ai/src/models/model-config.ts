import { accessSync, constants } from 'node:fs';
import { tokensOf } from '@runnel/protocol';
import type { ModelEntry, PodModel } from '@runnel/protocol/http';

export const DEFAULT_MODELS: ModelEntry[] = [
  { id: 'demo', provider: 'demo', name: 'Runnel demo', vision: true, tools: true },
  { id: 'count', provider: 'count', name: 'Counting words', vision: true, tools: true },
];

type Env = Readonly<Record<string, string | undefined>>;

/** What a caller decides, and what goes on in a request, an entry's `body` cannot say. */
const OURS = ['messages', 'model', 'system', 'stream'];
/** A `continueBody` elsewhere was passed over by 0.1.0, and still is. */
const OPENAI_ONLY = ['frequencyPenalty', 'presencePenalty', 'seed', 'maxTokensField'] as const;
const REMOTE_ONLY = [
  ...(['apiKeyFile', 'headers', 'headersEnv', 'headersFile', 'endpoints', 'query', 'proxy', 'proxyEnv', 'body', 'topP', 'stop'] as const),
  ...OPENAI_ONLY,
] as const;

/** What one entry cannot say about itself or its neighbours by schema; one line each, that begins with the path. */
export const modelProblems = (entries: readonly ModelEntry[], env: Env): string[] => {
  const seen = new Set<string>();
  const problems = entries.flatMap((entry, at) => {
    const found = entryProblems(entry, env);
    if (seen.has(entry.id)) found.push(`/id is ${entry.id}, as another's is: each model has an id of its own`);
    seen.add(entry.id);
    return found.map((problem) => `/${at}${problem} (model ${entry.id})`);
  });
  const ids = new Set(entries.map(({ id }) => id));
  for (const [at, { id, fallback = [] }] of entries.entries())
    for (const [place, other] of fallback.entries())
      if (other === id || !ids.has(other))
        problems.push(`/${at}/fallback/${place} is ${other}: the id of another entry of this list is allowed (model ${id})`);
  const defaults = entries.flatMap((entry, at) => (entry.default ? [`/${at}/default`] : []));
  if (defaults.length > 1) problems.push(`${defaults.join(' and ')} are true: one model at most is the default`);
  if (entries.length > 0 && entries.every(({ suspended }) => suspended))
    problems.push('/0/suspended and all others are true: one model at least is needed');
  return problems;
};

const entryProblems = (entry: ModelEntry, env: Env): string[] => {
  const { provider, apiKeyEnv, apiKeyFile, model, headersEnv = {}, headersFile = {}, endpoints = [], proxy, proxyEnv, body = {} } = entry;
  const problems: string[] = [];
  const isOpenAi = provider === 'openai-compatible';
  const isRemote = isOpenAi || provider === 'anthropic';
  if (isOpenAi && entry.baseURL === undefined && endpoints.length === 0)
    problems.push('/baseURL is missing: openai-compatible needs it, or endpoints');
  const isKeyed = (one: Pick<ModelEntry, 'apiKeyEnv' | 'apiKeyFile'>): boolean => (one.apiKeyEnv ?? one.apiKeyFile) !== undefined;
  if (provider === 'anthropic' && !isKeyed(entry) && !(endpoints.length > 0 && endpoints.every(isKeyed)))
    problems.push('/apiKeyEnv is missing: anthropic needs it, or apiKeyFile');
  if (provider === 'local' && model === undefined) problems.push('/model is missing: local needs the path of a GGUF file');
  const foreign = isRemote ? (isOpenAi ? [] : OPENAI_ONLY) : REMOTE_ONLY;
  for (const field of foreign) if (entry[field] !== undefined) problems.push(`/${field} does not apply to provider ${provider}`);
  if (apiKeyEnv !== undefined && apiKeyFile !== undefined)
    problems.push('/apiKeyFile and apiKeyEnv are both set: one of them holds the key');
  if (proxy !== undefined && proxyEnv !== undefined) problems.push('/proxyEnv and proxy are both set: one of them names the proxy');
  const named: Record<string, string | undefined> = {
    apiKeyEnv,
    proxyEnv,
    ...Object.fromEntries(Object.entries(headersEnv).map(([name, value]) => [`headersEnv/${name}`, value])),
  };
  problems.push(...endpointProblems(entry));
  for (const [at, { apiKeyEnv: name }] of endpoints.entries()) if (name !== undefined) named[`endpoints/${at}/apiKeyEnv`] = name;
  for (const [path, name] of Object.entries(named))
    if (name !== undefined && !env[name]) problems.push(`/${path} is ${name}, which is not set in the environment`);
  if (proxyEnv !== undefined && env[proxyEnv] && !/^https?:\/\//.test(env[proxyEnv]))
    problems.push(`/proxyEnv is ${proxyEnv}, which holds no address that begins http:// or https://`);
  const files: Record<string, string | undefined> = {
    apiKeyFile,
    ...Object.fromEntries(Object.entries(headersFile).map(([name, path]) => [`headersFile/${name}`, path])),
    ...Object.fromEntries(endpoints.map((endpoint, at) => [`endpoints/${at}/apiKeyFile`, endpoint.apiKeyFile])),
  };
  for (const [path, file] of Object.entries(files))
    if (file !== undefined && !isReadable(file)) problems.push(`/${path} is ${file}, which cannot be read`);
  for (const name of OURS) if (name in body) problems.push(`/body/${name} is what Runnel says itself: it cannot be set`);
  return problems;
};

/** What endpoints cannot say by schema. */
const endpointProblems = ({ baseURL, endpoints, headersEnv = {}, headersFile = {} }: ModelEntry): string[] => {
  const problems: string[] = [];
  const twice = Object.keys(headersFile).find((name) =>
    Object.keys(headersEnv).some((other) => other.toLowerCase() === name.toLowerCase()),
  );
  if (twice !== undefined) problems.push(`/headersFile/${twice} is in headersEnv, too: one of them holds it`);
  if (endpoints === undefined) return problems;
  if (baseURL !== undefined) problems.push('/endpoints and baseURL are both set: one of them says where it is');
  if (endpoints.every(({ weight }) => weight === 0))
    problems.push('/endpoints/0/weight and all others are 0: one endpoint at least is needed');
  for (const [at, own] of endpoints.entries()) {
    if (!URL.canParse(own.baseURL)) problems.push(`/endpoints/${at}/baseURL is ${own.baseURL}, which is no address`);
    if (own.apiKeyEnv !== undefined && own.apiKeyFile !== undefined)
      problems.push(`/endpoints/${at}/apiKeyFile and apiKeyEnv are both set: one of them holds the key`);
  }
  return problems;
};

const isReadable = (path: string): boolean => {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
};

/** Kept for an answer where nobody said how long one may be: a quarter, and no more than most are. */
const ANSWER_TOKENS = 4_096;

/** What of a context a conversation may take. */
const promptTokensOf = ({ maxOutputTokens, system = '' }: ModelEntry, contextTokens: number): number => {
  const answer = maxOutputTokens ?? Math.min(ANSWER_TOKENS, Math.floor(contextTokens / 4));
  return Math.max(0, contextTokens - answer - tokensOf(system));
};

/** What people and gateways are told of a model. */
export const infoOf = (entry: ModelEntry, { canContinue, isDefault }: { canContinue: boolean; isDefault: boolean }): PodModel => {
  const { id, name = id, provider, access, vision, tools, reasoning, contextTokens, price } = entry;
  return {
    ...{ id, name, provider, canContinue },
    ...(isDefault && { default: true }),
    ...(access && { access }),
    ...(vision && { vision }),
    ...(tools && { tools }),
    ...(reasoning && { reasoning }),
    ...(contextTokens !== undefined && { contextTokens, promptTokens: promptTokensOf(entry, contextTokens) }),
    ...(price && { price }),
  };
};
