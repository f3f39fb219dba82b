import { expect, test, vi } from 'vitest';
import type { OutboxEntry } from '@runnel/events';
import { createLogger, createMetrics, waitFor } from '@runnel/kit';
import { auditMetrics } from './audit-metrics.ts';
import type { DeadLetters } from './dead-letters.ts';
import { RelayLoop } from './relay-loop.ts';

/** ms */
const SOON = 2_000;
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

/** One shard whose entries wait until they are trimmed. */
const outboxOf = (entries: OutboxEntry[]) => ({
  heldShards: () => [0],
  read: async (_shard: number, count: number) => entries.slice(0, count),
  trim: async (_shard: number, ids: readonly string[]) => void entries.splice(0, ids.length),
  balance: vi.fn(async () => {}),
  backlog: async () => entries.length,
  release: vi.fn(async () => {}),
});

test('P-9 P-10 while Kafka holds a round, leases are renewed and the backlog is told', async () => {
  const entries = [entry(1)];
  const outbox = outboxOf(entries);
  const answered = Promise.withResolvers<void>();
  const publish = vi.fn(() => answered.promise);
  const metrics = auditMetrics(createMetrics('audit', { processMetrics: false }));
  const relay = new RelayLoop({ outbox, publish, deadLetters: nobody, metrics, log, idleMs: 1, balanceMs: 1 });
  relay.start();
  await waitFor(() => publish.mock.calls.length === 1, { deadlineMs: SOON, what: 'a round is held' });
  entries.push(entry(2), entry(3));
  const before = outbox.balance.mock.calls.length;
  await waitFor(() => outbox.balance.mock.calls.length > before + 3, { deadlineMs: SOON, what: 'leases are renewed' });
  expect((await metrics.backlog.get()).values[0]?.value).toBe(3);
  expect(publish).toHaveBeenCalledTimes(1);

  answered.resolve();
  await waitFor(() => entries.length === 0, { deadlineMs: SOON, what: 'the outbox is empty' });
  await relay.close();
  expect(outbox.release).toHaveBeenCalledTimes(1);
});

test('P-9 leases that cannot be renewed now do not end the loop', async () => {
  const entries = [entry(1)];
  const outbox = outboxOf(entries);
  outbox.balance.mockRejectedValueOnce(new Error('Redis is down'));
  const metrics = auditMetrics(createMetrics('audit', { processMetrics: false }));
  const relay = new RelayLoop({ outbox, publish: async () => {}, deadLetters: nobody, metrics, log, idleMs: 1, balanceMs: 1 });
  relay.start();
  await waitFor(() => outbox.balance.mock.calls.length > 2 && entries.length === 0, { deadlineMs: SOON, what: 'it goes on' });
  await relay.close();
  expect((await metrics.relayed.get()).values[0]?.value).toBe(1);
});
