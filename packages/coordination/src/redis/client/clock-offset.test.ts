import { expect, test } from 'vitest';
import { clockOffset } from './clock-offset.ts';

test('the offset is taken at the middle of the round trip', async () => {
  const times = [1_000_000, 1_000_200];
  const store = (ms: number) => ({ time: () => Promise.resolve([Math.floor(ms / 1000), (ms % 1000) * 1000]) });
  const at = () => times[asked++ % 2]!;
  let asked = 0;
  expect(await clockOffset(store(1_000_100) as never, at)).toBeCloseTo(0, 6);
  expect(await clockOffset(store(999_600) as never, at)).toBeCloseTo(0.5, 6);
  expect(await clockOffset(store(1_000_600) as never, at)).toBeCloseTo(-0.5, 6);
});
