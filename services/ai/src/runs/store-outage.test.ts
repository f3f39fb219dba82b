import { expect, test } from 'vitest';
import { createOutage } from './store-outage.ts';
import { createFastClock } from '../../testing/fast-clock.ts';

test('P-10 after an outage the store is just back for the grace, whoever noticed first', async () => {
  const clock = createFastClock();
  const changes: boolean[] = [];
  const outage = createOutage({ clock, graceMs: 1000, onAway: () => changes.push(true), onBack: () => changes.push(false) });
  outage.answered();
  expect(outage.justBack()).toBe(false);
  outage.failed(new Error('down'));
  outage.failed(new Error('down'));
  expect(outage.away).toBe(true);
  outage.answered();
  outage.answered();
  expect([outage.away, outage.justBack()]).toEqual([false, true]);
  await clock.sleep(1000);
  expect(outage.justBack()).toBe(false);
  expect(changes).toEqual([true, false]);
});
