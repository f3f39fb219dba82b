import type { ModelEntry } from '@runnel/protocol/http';

/** The demo models tell stories: what they said would be no title. */
export const givesTitles = ({ provider }: { provider: string }): boolean => provider !== 'demo' && provider !== 'count';

/** What is wrong with TITLE_MODEL. Pure. */
export const titleModelProblems = (id: string, entries: readonly ModelEntry[]): string[] => {
  const entry = entries.find((one) => one.id === id);
  if (entry === undefined) return [`TITLE_MODEL is ${id}: the id of a model of MODELS is allowed`];
  if (!givesTitles(entry)) return [`TITLE_MODEL is ${id}, which is of the kind ${entry.provider}: it gives no titles`];
  return entry.suspended ? [`TITLE_MODEL is ${id}, which is suspended`] : [];
};
