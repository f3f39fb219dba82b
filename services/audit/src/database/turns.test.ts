import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { delay } from '@runnel/kit';
import { expect, onTestFinished, test } from 'vitest';
import { openTables } from '../tables.ts';
import { exchange } from '../testing/events.ts';

test('B14 a file locked by another is waited for outside of the event loop, and what waited is stored once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-locked-'));
  const file = join(folder, 'runnel.sqlite');
  const tables = await openTables(`sqlite:${file}`);
  const other = new DatabaseSync(file);
  onTestFinished(async () => {
    other.close();
    await tables.close();
    await rm(folder, { recursive: true });
  });
  const events = exchange('c1', 'hỏi', 'đáp');
  other.exec('BEGIN IMMEDIATE');
  let turns = 0;
  const counting = setInterval(() => turns++, 1);
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  let stored = false;
  const writing = tables.store.write(events).then((count) => {
    stored = true;
    return count;
  });
  await delay(600);
  expect([stored, turns > 0]).toEqual([false, true]);
  // One wait of 5 s would be seen here; the limit leaves room for a busy machine.
  expect(loop.max / 1e6).toBeLessThan(400);
  other.exec('ROLLBACK');
  expect(await writing).toBe(events.length);
  clearInterval(counting);
  loop.disable();
  expect(await tables.store.write(events)).toBe(0);
});
