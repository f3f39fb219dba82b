import { RunnelError, utf8Length } from '@runnel/protocol';
import { systemClock, type Clock } from '../runs/clock.ts';
import { aboutFiles } from './demo-files.ts';
import { lastFiles, lastPrompt, type ChatProvider, type Delta, type ModelRequest, type ToolSpec } from './provider.ts';
import { paced } from './pace.ts';
import { storyOf, streamCalls, toolNamed, type ScriptedCall } from './scripted/scripted-tools.ts';

/**
 * `count 500 at 50 think 20 fail 200`: 20 words of thought, then 500 words, 50 a second, and after 200 of them the model fails.
 * `count 20 use counter, clock steps 2`: 20 words, then both tools, and all that twice; then 20 words more.
 */
export interface CountOrder {
  words: number;
  perSecond: number;
  thoughts?: number;
  stop: { kind: 'fail' | 'hang'; after: number } | null;
  use?: { tools: string[]; steps: number };
}

const MAX_WORDS = 999_999;
const MAX_PER_SECOND = 100_000;
const DEFAULT_PER_SECOND = 50;
const ORDER = /^\s*count\s+(\d{1,6})(?:\s+at\s+(\d{1,6}(?:\.\d+)?))?(?:\s+think\s+(\d{1,6}))?(?:\s+(fail|hang)\s+(\d{1,6}))?\s*$/i;

const MAX_TOOLS = 8;
const MAX_STEPS = 99;
const TOOL = /^[A-Za-z0-9_./-]{1,128}$/;

/** What stands behind `use`: names of tools, then perhaps `steps N`. Null for anything else. */
const parseUse = (text: string): CountOrder['use'] | null => {
  const named = text.split(/[\s,]+/).filter((word) => word !== '' && word.toLowerCase() !== 'and');
  const at = named.findIndex((word) => word.toLowerCase() === 'steps');
  const steps = at < 0 ? 1 : Number(named[at + 1]);
  const tools = at < 0 ? named : named.slice(0, at);
  const fits = tools.length >= 1 && tools.length <= MAX_TOOLS && tools.every((tool) => TOOL.test(tool));
  const isWhole = at < 0 || (named.length === at + 2 && Number.isInteger(steps) && steps >= 1 && steps <= MAX_STEPS);
  return fits && isWhole ? { tools, steps } : null;
};

/** Reads `count N [at R] [think T] [fail K | hang K] [use TOOL… [steps S]]`; null for any other prompt. */
export const parseCount = (prompt: string): CountOrder | null => {
  const [head = '', ...rest] = prompt.split(/\suse\s/i);
  const use = rest.length === 0 ? undefined : parseUse(rest.join(' use '));
  const [matched, words, rate, thoughts, kind, after] = ORDER.exec(head) ?? [];
  if (matched === undefined || use === null) return null;
  const order: CountOrder = {
    words: Number(words),
    perSecond: rate === undefined ? DEFAULT_PER_SECOND : Number(rate),
    ...(thoughts !== undefined && { thoughts: Number(thoughts) }),
    stop: kind === undefined ? null : { kind: kind.toLowerCase() as 'fail' | 'hang', after: Number(after) },
    ...(use && { use }),
  };
  const fits = order.words >= 1 && order.words <= MAX_WORDS && order.perSecond > 0 && order.perSecond <= MAX_PER_SECOND;
  return fits ? order : null;
};

/** Every word but the first brings the space before it, so that nothing trails: w000001 w000002 … */
const pieceOf = (word: number): string => `${word > 1 ? ' ' : ''}w${String(word).padStart(6, '0')}`;

/** Byte at which a word ends; all are ASCII and of one length. */
const endOf = (word: number): number => Math.max(0, word * 8 - 1);

/** The calls of a step. A tool that takes a `label` is told which call of which step it is. */
const callsOf = ({ tools }: NonNullable<CountOrder['use']>, step: number, offered: readonly ToolSpec[]): ScriptedCall[] =>
  tools.map((name, i) => {
    const tool = toolNamed(offered, name);
    const { properties = {} } = (tool?.parameters ?? {}) as { properties?: object };
    const input = name === ASK ? { question: `Which number comes after ${step}?` } : 'label' in properties ? { label: `${step}.${i}` } : {};
    return { name: tool?.name ?? name, input };
  });

/** The pieces of words after byte `from` up to word `last`; the first one may be the rest of a word. */
function* countPieces(from: number, last: number): Generator<string> {
  let at = from;
  for (let word = Math.floor((from + 1) / 8) + 1; word <= last; word++) {
    yield pieceOf(word).slice(at - endOf(word - 1));
    at = endOf(word);
  }
}

const ASK = 'ask_person';
const HELP =
  'Say `count 500 at 50` for 500 words, 50 a second; add `think 20` for 20 words of thought before, `fail 200` or `hang 200` to fail or hang after 200, `use clock` to call a tool and count again.';

/**
 * Numbered words at an exact pace: loss, repetition and order can be proved from the screen. Continues from any byte, also
 * inside a word, and then goes on at its pace from there.
 */
export const createCountProvider = (clock: Clock = systemClock): ChatProvider => ({
  canContinue: true,

  async *stream({ messages, prefix, tools = [] }: ModelRequest, signal: AbortSignal): AsyncGenerator<Delta> {
    const prompt = lastPrompt(messages);
    const order = parseCount(prompt);
    if (order === null) {
      const files = aboutFiles(lastFiles(messages), 'en');
      const said = files === '' ? HELP : `${files}\n\n${HELP}`;
      yield { text: Buffer.from(said).subarray(utf8Length(prefix)).toString() };
      return;
    }
    const { words, perSecond, thoughts = 0, stop, use } = order;
    const { steps } = use ? storyOf(messages) : { steps: 0 };
    // Steps before this one have counted to here.
    const first = words * steps;
    const from = endOf(first) + utf8Length(prefix);
    const gapMs = 1000 / perSecond;
    // An answer that goes on has been thought about.
    if (from === 0) {
      for await (const { text } of paced(countPieces(0, thoughts), () => gapMs, clock, signal)) yield { reasoning: text };
      if (signal.aborted) return;
    }
    const last = first + Math.min(words, stop?.after ?? words);
    yield* paced(countPieces(from, last), () => gapMs, clock, signal);
    if (signal.aborted) return;
    if (stop?.kind === 'fail' && last < first + words)
      throw new RunnelError('model-failed', `The count failed after ${last - first} words, as it was asked to.`);
    if (stop?.kind === 'hang' && last < first + words) return aborted(signal);
    yield { usage: { promptTokens: prompt.trim().split(/\s+/).length, completionTokens: first + words - Math.floor((from + 1) / 8) } };
    if (use && steps < use.steps) yield* streamCalls(callsOf(use, steps, tools), { step: steps, gapMs, clock, signal });
  },
});

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
