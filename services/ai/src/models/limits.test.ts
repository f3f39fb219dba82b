import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ask, collect, NEVER } from '../../testing/streams.ts';
import { withLimits } from './limits.ts';
import type { ChatProvider } from './provider.ts';

/** Says the pieces that are left behind the prefix. */
const saying = (pieces: readonly string[]): ChatProvider => ({
  canContinue: true,
  async *stream({ prefix }) {
    let at = 0;
    for (const piece of pieces) {
      const from = Math.max(0, prefix.length - at);
      at += piece.length;
      if (from < piece.length) yield { text: piece.slice(from) };
    }
    yield { usage: { promptTokens: 1, completionTokens: pieces.length } };
  },
});

const run = async (pieces: readonly string[], params: object, prefix = '') => {
  const deltas = await collect(withLimits(saying(pieces), 'words').stream({ ...ask('x', prefix), params }, NEVER));
  return {
    text: deltas.map((delta) => ('text' in delta ? delta.text : '')).join(''),
    finish: deltas.flatMap((delta) => ('finish' in delta ? [delta.finish] : []))[0],
    usage: deltas.some((delta) => 'usage' in delta),
  };
};

test.each([
  [['a', ' b', ' c'], { max_tokens: 2 }, 'a b', 'length'],
  [['a b c'], { max_completion_tokens: 1 }, 'a', 'length'],
  [['a', ' b'], { max_tokens: 2 }, 'a b', undefined],
  [['a', ' b'], { stop: ' b' }, 'a', 'stop'],
  [['a', 'b', 'cd'], { stop: ['bcd', 'zz'] }, 'a', 'stop'],
  [['a', 'b', 'c'], { stop: 'bcd' }, 'abc', undefined],
  [['a b c END'], { stop: 'END', max_tokens: 2 }, 'a b', 'length'],
  [['a'], { stop: [''] }, 'a', undefined],
])('%j with %j is %j', async (pieces, params, text, finish) => {
  expect(await run(pieces, params)).toEqual({ text, finish, usage: finish === undefined });
});

/** Cuts that two pieces of a text, or two stops, could tell differently. */
const FOUND: [string[], string[], number, number][] = [
  [['a', ' ', 'ST', 'OP'], ['STOP'], 1, 0],
  [['a b', ' c', ' d'], ['b c d'], 2, 0],
  [['ab', 'a', ' b'], ['ba b', 'a'], 5, 0],
  [['a', ' ', 'b'], ['b'], 1, 1],
];

test('P-4 however a text is cut, and wherever another pod goes on, the limits are at the same place', async () => {
  const text = fc.array(fc.constantFrom('a', 'b', ' ', 'ab', 'ST', 'OP', 'STOP'), { maxLength: 20 });
  const stop = fc.array(fc.constantFrom('STOP', 'OPST', 'b', ' ', 'a b', 'ab a', ' ST', 'T'), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(text, stop, fc.integer({ min: 1, max: 5 }), fc.nat(), async (pieces, stops, most, cut) => {
      const params = { stop: stops, max_tokens: most };
      const whole = await run([pieces.join('')], params);
      expect(await run(pieces, params)).toEqual(whole);
      for (const word of stops) if (whole.finish !== 'length') expect(whole.text).not.toContain(word);
      const prefix = whole.text.slice(0, cut % (whole.text.length + 1));
      const rest = await run(pieces, params, prefix);
      expect({ ...rest, text: prefix + rest.text }).toEqual(whole);
    }),
    { examples: FOUND, numRuns: 500 },
  );
});

test('a word that waited before a usage in the middle counts', async () => {
  const interrupted: ChatProvider = {
    canContinue: true,
    async *stream() {
      yield { text: 'a ST' };
      yield { reasoning: 'hm' };
      yield { text: ' b' };
    },
  };
  const params = { stop: 'STOP', max_tokens: 2 };
  const deltas = await collect(withLimits(interrupted, 'words').stream({ ...ask('x'), params }, NEVER));
  expect(deltas).toEqual([{ text: 'a ' }, { text: 'ST' }, { reasoning: 'hm' }, { finish: 'length' }]);
});
