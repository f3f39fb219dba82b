import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RunnelError } from '@runnel/protocol';
import { joined } from './joined.ts';

async function* source(sizes: readonly number[], error?: Error): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const size of sizes) yield Uint8Array.from({ length: size }, () => at++ % 251);
  if (error) throw error;
}
const read = async (from: AsyncIterable<Uint8Array>): Promise<{ pieces: number; bytes: Buffer; error: unknown }> => {
  const all: Uint8Array[] = [];
  let error: unknown = null;
  try {
    for await (const piece of joined(from)) all.push(piece);
  } catch (thrown) {
    error = thrown;
  }
  return { pieces: all.length, bytes: Buffer.concat(all), error };
};

test('S-4 whatever the sizes of its pieces, a body is the same bytes in few pieces, also when its line goes dead', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 600 }), fc.boolean(), async (sizes, breaks) => {
      const cut = breaks ? new Error('cut') : undefined;
      const { pieces, bytes, error } = await read(source(sizes, cut));
      const total = sizes.reduce((sum, size) => sum + size, 0);
      expect(bytes).toEqual(Buffer.from(Uint8Array.from({ length: total }, (_, at) => at % 251)));
      expect(error).toBe(cut ?? null);
      expect(pieces).toBeLessThanOrEqual(Math.ceil(total / 65_536) + Math.ceil(sizes.length / 256) + 1);
    }),
    { numRuns: 20 },
  );
});

test('S-4 a source that dribbles is refused, one of small packets is not', async () => {
  const dribbling = await read(source(Array.from({ length: 10_000 }, () => 1)));
  expect(dribbling.error).toBeInstanceOf(RunnelError);
  expect(dribbling.bytes.length).toBeLessThanOrEqual(4_096);
  for (const [size, count] of [
    [1, 4_096],
    [64, 6_000],
    [536, 6_000],
  ] as const) {
    const { bytes, error } = await read(source(Array.from({ length: count }, () => size)));
    expect([size, bytes.length, error]).toEqual([size, size * count, null]);
  }
});
