import { expect, onTestFinished, test, vi } from 'vitest';
import type { Delivery, EventRecord } from '@runnel/events';
import { createLogger, createMetrics, waitFor } from '@runnel/kit';
import type { OutboxEntry } from '@runnel/protocol/audit';
import { auditMetrics } from '../metrics.ts';
import type { DeadLetters } from '../ingest/dead-letters.ts';
import { nextCount, RelayLoop, type RelayOptions } from './relay-loop.ts';

/** ms */
const SOON = 10_000;
const log = createLogger({ level: 'silent', node: 'n', service: 'audit' });
const nobody: DeadLetters = { put: async () => {}, list: async () => [], retry: async () => ({ stored: 0, left: 0 }) };
const entry = (n: number): OutboxEntry => ({
  entryId: `${n}-0`,
  fields: {
    id: `l1:a${n}`,
    type: 'SESSION_STARTED',
    conversation: 'c1',
    time: '1',
    data: JSON.stringify({ userId: 'ann', title: 'Chào' }),
  },
});

const stored = async (records: readonly unknown[]): Promise<Delivery[]> => records.map(() => ({ outcome: 'stored' }));

/** Shards whose entries wait until they are trimmed. */
const outboxOf = (...shards: OutboxEntry[][]) => ({
  heldShards: () => shards.map((_, shard) => shard),
  read: async (shard: number, count: number) => shards[shard]!.slice(0, count),
  trim: async (shard: number, ids: readonly string[]) => {
    const gone = new Set(ids);
    const left = shards[shard]!.filter(({ entryId }) => !gone.has(entryId));
    shards[shard]!.splice(0, Infinity, ...left);
  },
  balance: vi.fn(async () => {}),
  backlog: async () => shards.flat().length,
  release: vi.fn(async () => {}),
});

test('P-9 P-10 while Kafka holds a round, leases are renewed and the backlog is told', async () => {
  const entries = [entry(1)];
  const outbox = outboxOf(entries);
  const answered = Promise.withResolvers<Delivery[]>();
  const deliver = vi.fn((_: readonly EventRecord[]) => answered.promise);
  const metrics = auditMetrics(createMetrics('audit', { processMetrics: false }));
  const relay = new RelayLoop({ outbox, deliver, deadLetters: nobody, metrics, log, idleMs: 1, balanceMs: 1 });
  relay.start();
  await waitFor(() => deliver.mock.calls.length === 1, { deadlineMs: SOON, what: 'a round is held' });
  entries.push(entry(2), entry(3));
  const before = outbox.balance.mock.calls.length;
  await waitFor(() => outbox.balance.mock.calls.length > before + 3, { deadlineMs: SOON, what: 'leases are renewed' });
  expect((await metrics.backlog.get()).values[0]?.value).toBe(3);
  expect(deliver).toHaveBeenCalledTimes(1);

  deliver.mockImplementation(stored);
  answered.resolve([{ outcome: 'stored' }]);
  await waitFor(() => entries.length === 0, { deadlineMs: SOON, what: 'the outbox is empty' });
  await relay.close();
  expect(outbox.release).toHaveBeenCalledTimes(1);
});

test('P-9 leases that cannot be renewed now do not end the loop', async () => {
  const entries = [entry(1)];
  const outbox = outboxOf(entries);
  outbox.balance.mockRejectedValueOnce(new Error('Redis is down'));
  const metrics = auditMetrics(createMetrics('audit', { processMetrics: false }));
  const relay = new RelayLoop({ outbox, deliver: stored, deadLetters: nobody, metrics, log, idleMs: 1, balanceMs: 1 });
  relay.start();
  await waitFor(() => outbox.balance.mock.calls.length > 2 && entries.length === 0, { deadlineMs: SOON, what: 'it goes on' });
  await relay.close();
  expect((await metrics.relayed.get()).values[0]?.value).toBe(1);
});

const idsOf = (records: readonly EventRecord[]): string[] => records.map(({ headers }) => headers!['ce_id']!);
const start = (options: Pick<RelayOptions, 'outbox' | 'deliver'> & Partial<RelayOptions>) => {
  const metrics = auditMetrics(createMetrics('audit', { processMetrics: false }));
  const relay = new RelayLoop({ deadLetters: nobody, metrics, log, idleMs: 1, balanceMs: 1, ...options });
  relay.start();
  onTestFinished(() => relay.close());
  return metrics;
};

test('B3 what Kafka refuses is stored past it, what cannot be read is put aside, and the rest of the shard goes on, each once', async () => {
  const unreadable = { entryId: '2-0', fields: { ...entry(2).fields, type: 'NO_TYPE' } };
  const entries = [entry(1), unreadable, entry(3), entry(4)];
  const delivered: string[] = [];
  const deliver = async (records: readonly EventRecord[]): Promise<Delivery[]> => {
    delivered.push(...idsOf(records));
    return idsOf(records).map((id) => (id === 'l1:a1' ? { outcome: 'refused', reason: 'too large' } : { outcome: 'stored' }));
  };
  const store = vi.fn(async () => {});
  const put = vi.fn(async () => {});
  const metrics = start({ outbox: outboxOf(entries), deliver, store, deadLetters: { ...nobody, put } });
  await waitFor(() => entries.length === 0, { deadlineMs: SOON, what: 'the outbox is empty' });
  expect(delivered).toEqual(['l1:a1', 'l1:a3', 'l1:a4']);
  expect(store).toHaveBeenCalledTimes(1);
  expect(put).toHaveBeenCalledWith([expect.objectContaining({ topic: 'outbox', key: 'c1' })]);
  expect((await metrics.refused.get()).values[0]?.value).toBe(1);
  expect((await metrics.deadLetters.get()).values[0]?.value).toBe(1);
});

test('B3 what was stored leaves the outbox, whatever fails beside it: nothing is sent again and again', async () => {
  const counts = new Map<string, number>();
  const entries = [1, 2, 3, 4, 5].map(entry);
  const deliver = async (records: readonly EventRecord[]): Promise<Delivery[]> =>
    idsOf(records).map((id) => {
      counts.set(id, (counts.get(id) ?? 0) + 1);
      if (id === 'l1:a1') return { outcome: 'refused', reason: 'too large' };
      return id === 'l1:a3' ? { outcome: 'failed', error: new Error('its partition has no leader') } : { outcome: 'stored' };
    });
  const store = async (): Promise<void> => Promise.reject(new Error('the database is down'));
  start({ outbox: outboxOf(entries), deliver, store });
  await waitFor(() => (counts.get('l1:a1') ?? 0) > 2, { deadlineMs: SOON, what: 'it was tried again' });
  expect(entries.map(({ entryId }) => entryId)).toEqual(['1-0', '3-0']);
  for (const id of ['l1:a2', 'l1:a4', 'l1:a5']) expect(counts.get(id)).toBe(1);
});

test('B3 a shard that hangs, and one that fails, hold up no other', async () => {
  const healthy = [entry(3)];
  const deliver = (records: readonly EventRecord[]): Promise<Delivery[]> => {
    const [id] = idsOf(records);
    if (id === 'l1:a1') return new Promise(() => {});
    return id === 'l1:a2' ? Promise.reject(new Error('bug')) : stored(records);
  };
  const metrics = auditMetrics(createMetrics('audit', { processMetrics: false }));
  const outbox = outboxOf([entry(1)], [entry(2)], healthy);
  const relay = new RelayLoop({ outbox, deliver, deadLetters: nobody, metrics, log, idleMs: 1, balanceMs: 1, drainMs: 1 });
  relay.start();
  onTestFinished(() => relay.close());
  await waitFor(() => healthy.length === 0, { deadlineMs: SOON, what: 'the third moves' });
  healthy.push(entry(4), entry(5));
  await waitFor(() => healthy.length === 0, { deadlineMs: SOON, what: 'and goes on' });
});

test('what comes behind a round that was not full waits for the pause, and a full one is followed at once', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const entries = [entry(1)];
  const sizes: number[] = [];
  let next = 2;
  const deliver = (records: readonly EventRecord[]): Promise<Delivery[]> => {
    sizes.push(records.length);
    // One more for each that goes, as an answer's events come.
    if (next < 20) entries.push(entry(next++));
    return stored(records);
  };
  start({ outbox: outboxOf(entries), deliver, idleMs: 50 });
  await vi.advanceTimersByTimeAsync(10);
  expect(sizes).toEqual([1]);
  await vi.advanceTimersByTimeAsync(100);
  expect(sizes).toEqual([1, 1, 1]);
  for (let n = 20; n < 120; n++) entries.push(entry(n));
  next = 20;
  await vi.advanceTimersByTimeAsync(50);
  expect(sizes.slice(3)).toEqual([16, 32, 53]);
});

test('B3 a read of large entries brings few of them, of small ones many', () => {
  const MIB = 1 << 20;
  expect(nextCount(16, { read: 16, bytes: 1_000 })).toBe(32);
  expect(nextCount(500, { read: 500, bytes: MIB })).toBe(500);
  expect(nextCount(500, { read: 3, bytes: MIB })).toBe(500);
  expect(nextCount(500, { read: 500, bytes: 400 * MIB })).toBe(5);
  expect(nextCount(5, { read: 1, bytes: 16 * MIB })).toBe(1);
});
