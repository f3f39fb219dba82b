import { expect, test } from 'vitest';
import { createSlots } from './slots.ts';

const NEVER = new AbortController().signal;

test('so many at a time, the others in turn, and whoever gives up leaves the queue', async () => {
  const slots = createSlots(1);
  expect(await slots.take(AbortSignal.abort())).toBe(false);
  expect(await slots.take(NEVER)).toBe(true);
  const impatient = new AbortController();
  const second = slots.take(impatient.signal);
  const third = slots.take(NEVER);
  impatient.abort();
  expect(await second).toBe(false);
  slots.giveBack();
  expect(await third).toBe(true);
  slots.giveBack();
  expect(await slots.take(NEVER)).toBe(true);
});
