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

test('P-4 however a text is cut, and wherever another pod goes on, the limits are at the same place', async () => {
  const text = fc.array(fc.constantFrom('a', 'b', ' ', 'ab', 'ST', 'OP', 'STOP'), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 5 }), fc.nat(), async (pieces, most, cut) => {
      const params = { stop: 'STOP', max_tokens: most };
      const whole = await run([pieces.join('')], params);
      expect((await run(pieces, params)).text).toBe(whole.text);
      expect(whole.text).not.toContain('STOP');
      const prefix = whole.text.slice(0, cut % (whole.text.length + 1));
      expect(prefix + (await run(pieces, params, prefix)).text).toBe(whole.text);
    }),
  );
});
