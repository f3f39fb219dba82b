import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createMetrics, delay, silentLog, waitFor } from '@runnel/kit';
import { expect, onTestFinished, test, vi } from 'vitest';
import { auditMetrics } from '../metrics.ts';
import { createAuditApp } from '../app.ts';
import { createDirect } from '../relay/direct.ts';
import { RelayLoop } from '../relay/relay-loop.ts';
import { openTables } from '../audit-database.ts';
import { exchange } from '../../testing/events.ts';

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

const locked = (): Error => Object.assign(new Error('database is locked'), { driverError: { errcode: 5 } });

test('B14 a read of a locked file is asked again, and one that stays locked is `unavailable`', async () => {
  const tables = await openTables('sqlite::memory:');
  onTestFinished(() => tables.close());
  await tables.store.write(exchange('c1', 'hỏi', 'đáp'));
  const app = createAuditApp(tables);
  onTestFinished(() => app.close());
  const ask = () => app.inject({ url: '/history/c1', headers: { 'x-runnel-user': 'ann' } });
  const asked = vi.spyOn(tables.database, 'query');
  for (let i = 0; i < 3; i++) asked.mockRejectedValueOnce(locked());
  const { statusCode, body } = await ask();
  expect([statusCode, JSON.parse(body).messages.length]).toEqual([200, 2]);
  asked.mockRejectedValue(locked());
  const refused = await ask();
  expect([refused.statusCode, JSON.parse(refused.body).code]).toEqual([503, 'unavailable']);
  asked.mockRestore();
  expect((await ask()).statusCode).toBe(200);
});

test('B14 a file that stays locked past all patience: reads go on, and the outbox keeps what it brings in once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-locked-'));
  const file = join(folder, 'runnel.sqlite');
  const tables = await openTables(`sqlite:${file}`);
  const other = new DatabaseSync(file);
  onTestFinished(async () => {
    other.close();
    await tables.close();
    await rm(folder, { recursive: true });
  });
  await tables.store.write(exchange('c0', 'trước', 'sau'));
  other.exec('BEGIN EXCLUSIVE');
  const events = exchange('c1', 'hỏi', 'đáp');
  let entries = events.map(({ id, type, subject, time, data }, i) => ({
    entryId: `${i}-0`,
    fields: { id, type, conversation: subject, time: String(Date.parse(time)), data: JSON.stringify(data) },
  }));
  const metrics = auditMetrics(createMetrics('audit', { processMetrics: false }));
  const relay = new RelayLoop({
    outbox: {
      heldShards: () => [0],
      read: async () => entries,
      trim: async (_shard, ids) => void (entries = entries.filter(({ entryId }) => !ids.includes(entryId))),
      balance: async () => {},
      release: async () => {},
    },
    ...createDirect(tables, metrics),
    ...{ metrics, log: silentLog, idleMs: 1 },
  });
  relay.start();
  onTestFinished(() => relay.close());
  const failures = async (): Promise<number> => (await metrics.relayFailures.get()).values[0]?.value ?? 0;
  await waitFor(async () => (await failures()) > 0, { deadlineMs: 8_000, what: 'the relay is told' });
  expect(await tables.reader.history({ conversationId: 'c0', userId: 'ann', limit: 9 })).toMatchObject({ kind: 'page' });
  other.exec('ROLLBACK');
  await waitFor(() => entries.length === 0, { deadlineMs: 8_000, what: 'the outbox is empty' });
  expect((await tables.trail.page({ conversationId: 'c1', limit: 9 })).events).toHaveLength(events.length);
});
