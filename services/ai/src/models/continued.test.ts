import { RunnelError, type Usage } from '@runnel/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RunText } from '../run/run-text.ts';
import { createFastClock } from '../../testing/fast-clock.ts';
import { ask, collect, NEVER } from '../../testing/streams.ts';
import { continued } from './continued.ts';
import type { ChatProvider, Delta } from './provider.ts';

/** Says `answer` from behind its prefix, in pieces of one UTF-16 unit; breaks after so many of them, for each opening. */
const breaking = (answer: string, breaks: number[], error: () => Error = () => new RunnelError('unavailable')) => {
  const prefixes: string[] = [];
  const provider: ChatProvider = {
    canContinue: true,
    async *stream({ prefix }) {
      expect(answer.startsWith(prefix)).toBe(true);
      const after = breaks[prefixes.length] ?? Infinity;
      prefixes.push(prefix);
      const rest = answer.slice(prefix.length).split('');
      for (const [i, unit] of rest.entries()) {
        if (i === after) throw error();
        yield { text: unit };
      }
      yield { usage: { promptTokens: 10, completionTokens: rest.length } };
      yield { finish: 'stop' };
    },
  };
  return { provider, prefixes };
};

const open = (provider: ChatProvider, prefix = '') =>
  continued(provider, { clock: createFastClock(), random: () => 0 }).stream(ask('x', prefix), NEVER);
const textOf = (deltas: Delta[]): string => {
  const text = new RunText('');
  for (const delta of deltas) if ('text' in delta) text.push(delta.text, 0);
  return text.whole;
};

test('B15 a stream that breaks anywhere, also inside of a character, is gone on with and stands once', async () => {
  const answers = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(answers, fc.array(fc.integer({ min: 2, max: 10 }), { maxLength: 3 }), async (answer, breaks) => {
      const { provider, prefixes } = breaking(answer, breaks);
      const deltas = await collect(open(provider));
      expect(textOf(deltas)).toBe(answer);
      expect(prefixes.every((prefix) => prefix.isWellFormed())).toBe(true);
      expect(deltas.at(-1)).toEqual({ finish: 'stop' });
    }),
  );
});

test('the tries are bounded, and the text so far stays', async () => {
  const { provider, prefixes } = breaking(
    'abcdefghij',
    Array.from({ length: 20 }, () => 1),
  );
  const deltas: Delta[] = [];
  const read = async (): Promise<void> => {
    for await (const delta of open(provider)) deltas.push(delta);
  };
  await expect(read()).rejects.toMatchObject({ code: 'unavailable' });
  expect(prefixes).toHaveLength(4);
  expect(textOf(deltas)).toBe('abcd');
});

test.each([
  ['a model that cannot continue', { canContinue: false }, () => new RunnelError('unavailable')],
  ['a refusal', {}, () => new RunnelError('model-failed')],
  ['a bug', {}, () => new TypeError('x is undefined')],
])('is not tried again: %s', async (_name, change, error) => {
  const { provider, prefixes } = breaking('abc', [2], error);
  await expect(collect(open({ ...provider, ...change }))).rejects.toThrow();
  expect(prefixes).toHaveLength(1);
});

test('usage counts every request once: those that broke by an estimate', async () => {
  const usageOf = async (breaks: number[], prefix = ''): Promise<Usage> => {
    const deltas = await collect(open(breaking('12345678abcdefgh', breaks).provider, prefix));
    return deltas.flatMap((delta) => ('usage' in delta ? [delta.usage] : []))[0]!;
  };
  expect(await usageOf([])).toEqual({ promptTokens: 10, completionTokens: 16 });
  expect(await usageOf([8])).toEqual({ promptTokens: 10 + 1, completionTokens: 8 + 2, estimated: true });
  // What owners before this one asked for is added where their text is known.
  expect(await usageOf([], '12345678')).toEqual({ promptTokens: 10, completionTokens: 8 });
});
