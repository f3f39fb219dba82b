import { clipTitle, MAX_GIVEN_TITLE } from '@runnel/coordination';

/** What some models say before they say it. */
const THOUGHT = /^\s*<think(?:ing)?>[\s\S]*?<\/think(?:ing)?>/i;
const BEGUN_THOUGHT = /^\s*<\/?think/i;
const LINES = /[\n\r\v\f\u0085\u2028\u2029]+/;
/** Changes how other text is read or hides in it: controls, bidi and zero-width signs, private use, halves of characters. */
const UNSEEN = /[\p{Co}\p{Cs}\uFFFD]|(?![\u200C\u200D])\p{Cf}|(?![\s\u0085])\p{Cc}/gu;
/** What comes in front of a title and is none of it. */
const FRONT = /^(?:#{1,6}\s+|[-*+>]\s+|(?:title|tiêu đề)\s*[:：]\s*)/i;
const PAIRS = ['""', "''", '``', '“”', '‘’', '„“', '„”', '«»', '»«', '‹›', '「」', '『』', '《》', '**', '__'] as const;
/** A title is no place to be sent elsewhere from. */
const ADDRESS = /:\/\/|\bwww\./i;
/** "Here is a title:" */
const ANNOUNCES = /[:：]$/;
const SAYS_SOMETHING = /[\p{L}\p{N}\p{Extended_Pictographic}]/u;

const withoutPair = (line: string): string => {
  const pair = PAIRS.find(([open, close]) => line.length > 2 && line.startsWith(open!) && line.endsWith(close!));
  return pair ? line.slice(1, -1).trim() : line;
};

/** One step nearer to the bare words. */
const barer = (line: string): string => withoutPair(line.replace(FRONT, '').trim()).replace(/(?<![.…])[.。]$/, '');

/** Each step shortens it, or it is done. */
const bare = (line: string): string => {
  for (let [before, now] = [line, barer(line)]; ; [before, now] = [now, barer(now)]) if (before === now) return now;
};

/**
 * The title in a model's words, as a person may give one: one line, nothing unseen, no more than 80 characters. Null: there is none in it.
 * Angle brackets stay, since every page draws a title as text; a model that talks instead (a line above 200 characters) has given none. Pure.
 */
export const cleanTitle = (said: string): string | null => {
  const spoken = said.replace(UNSEEN, '').replace(THOUGHT, '');
  const lines = spoken.split(LINES).map((line) => bare(line.replace(/\s+/g, ' ').trim()));
  const line = lines.find((one) => SAYS_SOMETHING.test(one) && !ANNOUNCES.test(one));
  if (line === undefined || BEGUN_THOUGHT.test(line) || ADDRESS.test(line) || [...line].length > MAX_GIVEN_TITLE) return null;
  return clipTitle(line);
};
