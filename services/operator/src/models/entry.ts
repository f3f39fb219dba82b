import { schemaProblems } from '@runnel/kit';
import { ModelEntry } from '@runnel/protocol/http';
import type { ChatModel } from '../kinds/chat-model.ts';

export const nameOf = ({ metadata }: ChatModel): string => metadata?.name ?? '';
export const idOf = (model: ChatModel): string => model.spec.id ?? nameOf(model);
export const keyFileOf = (model: ChatModel): string => `${nameOf(model)}.key`;

/** What AI pods of this release read; a field of a newer kind than theirs would make them refuse the whole file. */
const KNOWN = new Set(Object.keys(ModelEntry.properties));

/** The entry that an object stands for, or what is wrong with it. `dir` is where pods find key files. Pure. */
export const entryOf = (model: ChatModel, dir: string): { entry: ModelEntry } | { problems: string[] } => {
  const { apiKey, id: _id, ...said } = model.spec;
  const entry = {
    id: idOf(model),
    ...Object.fromEntries(Object.entries(said).filter(([name]) => KNOWN.has(name))),
    ...(apiKey && { apiKeyFile: `${dir}/${keyFileOf(model)}` }),
  };
  const problems = schemaProblems(ModelEntry, entry);
  return problems.length > 0 ? { problems } : { entry: entry as ModelEntry };
};
