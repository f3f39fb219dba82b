import { RunnelError, utf8Length } from '@runnel/protocol';
import { systemClock, type Clock } from '../runs/clock.ts';
import { aboutFiles } from './demo-files.ts';
import { lastFiles, lastPrompt, type ChatProvider, type Delta, type ModelRequest } from './provider.ts';
import { paced } from './pace.ts';

/** `count 500 at 50 think 20 fail 200`: 20 words of thought, then 500 words, 50 a second, and after 200 of them the model fails. */
export interface CountOrder {
  words: number;
  perSecond: number;
  thoughts?: number;
  stop: { kind: 'fail' | 'hang'; after: number } | null;
}

const MAX_WORDS = 999_999;
const MAX_PER_SECOND = 100_000;
const DEFAULT_PER_SECOND = 50;
const ORDER = /^\s*count\s+(\d{1,6})(?:\s+at\s+(\d{1,6}(?:\.\d+)?))?(?:\s+think\s+(\d{1,6}))?(?:\s+(fail|hang)\s+(\d{1,6}))?\s*$/i;

/** Reads `count N [at R] [think T] [fail K | hang K]`; null for any other prompt. */
export const parseCount = (prompt: string): CountOrder | null => {
  const [matched, words, rate, thoughts, kind, after] = ORDER.exec(prompt) ?? [];
  if (matched === undefined) return null;
  const order: CountOrder = {
    words: Number(words),
    perSecond: rate === undefined ? DEFAULT_PER_SECOND : Number(rate),
    ...(thoughts !== undefined && { thoughts: Number(thoughts) }),
    stop: kind === undefined ? null : { kind: kind.toLowerCase() as 'fail' | 'hang', after: Number(after) },
  };
  const fits = order.words >= 1 && order.words <= MAX_WORDS && order.perSecond > 0 && order.perSecond <= MAX_PER_SECOND;
  return fits ? order : null;
};

/** Every word but the first brings the space before it, so that nothing trails: w000001 w000002 … */
const pieceOf = (word: number): string => `${word > 1 ? ' ' : ''}w${String(word).padStart(6, '0')}`;

/** Byte at which a word ends; all are ASCII and of one length. */
const endOf = (word: number): number => Math.max(0, word * 8 - 1);

/** The pieces of words after byte `from` up to word `last`; the first one may be the rest of a word. */
function* countPieces(from: number, last: number): Generator<string> {
  let at = from;
  for (let word = Math.floor((from + 1) / 8) + 1; word <= last; word++) {
    yield pieceOf(word).slice(at - endOf(word - 1));
    at = endOf(word);
  }
}

const HELP =
  'Say `count 500 at 50` for 500 words, 50 a second; add `think 20` for 20 words of thought before, `fail 200` or `hang 200` to fail or hang after 200.';

/**
 * Numbered words at an exact pace: loss, repetition and order can be proved from the screen. Continues from any byte, also
 * inside a word, and then goes on at its pace from there.
 */
export const createCountProvider = (clock: Clock = systemClock): ChatProvider => ({
  canContinue: true,

  async *stream({ messages, prefix }: ModelRequest, signal: AbortSignal): AsyncGenerator<Delta> {
    const prompt = lastPrompt(messages);
    const order = parseCount(prompt);
    const from = utf8Length(prefix);
    if (order === null) {
      const files = aboutFiles(lastFiles(messages), 'en');
      const said = files === '' ? HELP : `${files}\n\n${HELP}`;
      yield { text: Buffer.from(said).subarray(from).toString() };
      return;
    }
    const { words, perSecond, thoughts = 0, stop } = order;
    // An answer that goes on has been thought about.
    if (from === 0) {
      for await (const { text } of paced(countPieces(0, thoughts), () => 1000 / perSecond, clock, signal)) yield { reasoning: text };
      if (signal.aborted) return;
    }
    const last = Math.min(words, stop?.after ?? words);
    yield* paced(countPieces(from, last), () => 1000 / perSecond, clock, signal);
    if (signal.aborted) return;
    if (stop?.kind === 'fail' && last < words)
      throw new RunnelError('model-failed', `The count failed after ${last} words, as it was asked to.`);
    if (stop?.kind === 'hang' && last < words) await aborted(signal);
    else yield { usage: { promptTokens: prompt.trim().split(/\s+/).length, completionTokens: words - Math.floor((from + 1) / 8) } };
  },
});

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
