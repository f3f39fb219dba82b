import { schemaProblems } from '@runnel/kit';
import { ModelEntry } from '@runnel/protocol/http';
import type { ChatModel } from '../kinds/chat-model.ts';

export const nameOf = ({ metadata }: ChatModel): string => metadata?.name ?? '';
export const idOf = (model: ChatModel): string => model.spec.id ?? nameOf(model);
export const keyFileOf = (model: ChatModel): string => `${nameOf(model)}.key`;

/** What AI pods of this release read; a field of a newer kind than theirs would make them refuse the whole file. */
const KNOWN = new Set(Object.keys(ModelEntry.properties));

/** What AI pods say of a request themselves. */
const OURS = ['messages', 'model', 'system', 'stream'];
const REMOTE_ONLY = ['apiKeyFile', 'headers', 'query', 'proxy', 'body', 'topP', 'stop'] as const;
const OPENAI_ONLY = ['frequencyPenalty', 'presencePenalty', 'seed', 'maxTokensField'] as const;

/**
 * What no schema says and AI pods refuse, together with every other model of the file. The API server knows most of it as rules; an object that
 * is older than they are has not met them.
 */
const foreignProblems = (entry: ModelEntry): string[] => {
  const isOpenAi = entry.provider === 'openai-compatible';
  const isRemote = isOpenAi || entry.provider === 'anthropic';
  const foreign = isRemote ? (isOpenAi ? [] : OPENAI_ONLY) : [...REMOTE_ONLY, ...OPENAI_ONLY];
  return [
    ...(isOpenAi && entry.baseURL === undefined ? ['/baseURL is missing: openai-compatible needs it'] : []),
    ...(entry.provider === 'anthropic' && entry.apiKeyFile === undefined ? ['/apiKey is missing: anthropic needs it'] : []),
    ...(entry.provider === 'local' && entry.model === undefined ? ['/model is missing: local needs the path of a GGUF file'] : []),
    ...foreign.filter((field) => entry[field] !== undefined).map((field) => `/${field} does not apply to provider ${entry.provider}`),
    ...OURS.filter((name) => name in (entry.body ?? {})).map((name) => `/body/${name} is what Runnel says itself: it cannot be set`),
  ];
};

/** The entry that an object stands for, or what is wrong with it. `dir` is where pods find key files. Pure. */
export const entryOf = (model: ChatModel, dir: string): { entry: ModelEntry } | { problems: string[] } => {
  const { apiKey, id: _id, ...said } = model.spec;
  const entry = {
    id: idOf(model),
    ...Object.fromEntries(Object.entries(said).filter(([name]) => KNOWN.has(name))),
    ...(apiKey && { apiKeyFile: `${dir}/${keyFileOf(model)}` }),
  };
  const problems = [...schemaProblems(ModelEntry, entry), ...foreignProblems(entry as ModelEntry)];
  return problems.length > 0 ? { problems } : { entry: entry as ModelEntry };
};
