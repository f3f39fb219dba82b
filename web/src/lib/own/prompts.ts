import type { SavedPrompt } from '@runnel/client';
import { fold } from '../session/palette.ts';

/** As the server has it: `PROMPT_NAME` of the protocol, whose module a page cannot afford. A test holds them together. */
export const PROMPT_NAME = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}_-]{0,39}$/u;
export const PROMPT_CHARS = 5_000;

/** Those whose name, or else whose text, has what was typed; accents and case do not matter. Names that begin with it come first. Pure. */
export const promptsFor = (prompts: readonly SavedPrompt[], typed: string): SavedPrompt[] => {
  const wanted = fold(typed.trim());
  const rank = ({ name, text }: SavedPrompt): number =>
    fold(name).startsWith(wanted) ? 0 : fold(name).includes(wanted) ? 1 : fold(text).includes(wanted) ? 2 : 3;
  return prompts
    .map((prompt) => [rank(prompt), prompt] as const)
    .filter(([at]) => at < 3)
    .toSorted(([a, one], [b, two]) => a - b || one.name.localeCompare(two.name))
    .map(([, prompt]) => prompt);
};

/** What is open in the form: null: a new one. */
export interface Draft {
  before: SavedPrompt | null;
  name: string;
  text: string;
}
export const charsOf = (text: string): number => [...text.trim()].length;

/** Why it cannot be kept yet; null: it can. Pure. */
export const problemOf = ({ before, name, text }: Draft, prompts: readonly SavedPrompt[]): 'name' | 'taken' | 'text' | 'tooLong' | null => {
  const wanted = name.trim().normalize('NFC');
  if (!PROMPT_NAME.test(wanted)) return 'name';
  if (wanted !== before?.name && prompts.some((prompt) => prompt.name === wanted)) return 'taken';
  if (text.trim() === '') return 'text';
  return charsOf(text) > PROMPT_CHARS ? 'tooLong' : null;
};

/** What another device did to it since the form was opened. Pure. */
export const newsOf = ({ before }: Draft, prompts: readonly SavedPrompt[]): 'changed' | 'gone' | null => {
  if (before === null) return null;
  const now = prompts.find(({ name }) => name === before.name);
  return now === undefined ? 'gone' : now.updatedAt === before.updatedAt ? null : 'changed';
};
