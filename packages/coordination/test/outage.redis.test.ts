import { runKey } from '../src/run-ref.ts';
import { expect, test } from 'vitest';
import { append, collect, endOf, promptOf, restoreOf, snapshotOf, startRun, LEASE_MS, MODELS, OWNER, USER } from './contract/world.ts';
import { waitFor } from '../testing/index.ts';
import { useRedisLog } from './use-redis-log.ts';

/** A second to give up, and what a busy machine adds. */
const PROMISED_MS = 1_000;
const MARGIN_MS = 500;

const outcomes: string[] = [];
const { redis, log } = await useRedisLog({ onCommand: (name, _seconds, outcome) => outcomes.push(`${name} ${outcome}`) });

const available = (): Promise<void> =>
  waitFor(
    () =>
      log.ping().then(
        () => true,
        () => false,
      ),
    { deadlineMs: 8_000, what: 'the store answers again' },
  );

/** Every command, at once, and how long the slowest took to be refused. */
const refusedWithin = async (): Promise<number> => {
  const started = performance.now();
  const run = { conversationId: 'c', runId: 'r', epoch: 1 };
  const commands = [
    log.beginRun(promptOf()),
    append(log, run, 0, 'x'),
    log.readState({ conversationId: 'c' }),
    log.findFreeRuns(10),
    log.renewLeases(OWNER, LEASE_MS, [run]),
    log.follow('c', { message() {}, resubscribed() {} }),
    log.publishHint('c', '{}'),
    log.listConversations({ userId: 'u', limit: 1 }),
    log.ping(),
    log.storeMemory(),
  ];
  for (const result of await Promise.allSettled(commands)) {
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'unavailable', retryable: true } });
  }
  return performance.now() - started;
};

test('P-10 with Redis dead, every command says so within a second; back and empty, the owner writes its run again (L-6)', async () => {
  const run = await startRun(log);
  await append(log, run, 0, 'abc');
  const followed = await collect(log, run.conversationId);
  await redis.kill();
  expect(await refusedWithin()).toBeLessThan(PROMISED_MS + MARGIN_MS);
  await redis.restartEmpty();
  await available();
  expect(await append(log, run, 3, 'd')).toEqual({ outcome: 'gone' });
  await waitFor(() => followed.resubscriptions() > 0, { what: 'resubscribed' });
  const restore = restoreOf(run, 'abcd');
  expect(await log.restoreRun(restore)).toEqual({ outcome: 'restored', logId: restore.newLogId });
  expect(await append(log, run, 4, 'e')).toEqual({ outcome: 'appended', offset: 2 });
  await waitFor(() => followed.entries.length === 2);
  expect((await snapshotOf(log, run.conversationId)).run?.text).toBe('abcde');
  expect(outcomes).toContain('append-chunk unavailable');
  expect(outcomes).toContain('append-chunk appended');
  await followed.close();
});

test('P-10 with Redis hanging, every command says so within a second, and what was sent is safe to send again (L-1)', async () => {
  const run = await startRun(log);
  await append(log, run, 0, 'abc');
  const followed = await collect(log, run.conversationId);
  redis.pause();
  try {
    const lost = append(log, run, 3, 'd');
    await expect(lost).rejects.toMatchObject({ code: 'unavailable' });
    expect(await refusedWithin()).toBeLessThan(PROMISED_MS + MARGIN_MS);
  } finally {
    redis.resume();
  }
  await available();
  // The command was in Redis's socket all the time, and may have been carried out after all.
  expect(['appended', 'duplicate']).toContain((await append(log, run, 3, 'd')).outcome);
  expect((await snapshotOf(log, run.conversationId)).run?.text).toBe('abcd');
  // Whether the silence was long enough to give the subscription up depends on when it was last looked at.
  const heard = (): boolean => followed.resubscriptions() > 0 || followed.entries.length > 0;
  await waitFor(heard, { deadlineMs: 8_000, what: 'the chunk, or the word that something may be missing' });
  const seen = followed.entries.length;
  await append(log, run, 4, 'e');
  await waitFor(() => followed.entries.length > seen, { what: 'live again' });
  await followed.close();
});

test('a subscriber connection that is cut is whole again by itself, and readers are told', async () => {
  const run = await startRun(log);
  const followed = await collect(log, run.conversationId);
  await redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
  await waitFor(() => followed.resubscriptions() === 1, { what: 'resubscribed' });
  await append(log, run, 0, 'a');
  await waitFor(() => followed.entries.length === 1);
  await followed.close();
});

test('P-10 a store over its memory limit refuses a prompt whole, in a new conversation too', async () => {
  const run = await startRun(log);
  await append(log, run, 0, 'abc');
  const fresh = promptOf();
  await redis.cli('CONFIG', 'SET', 'maxmemory', '1');
  try {
    await expect(log.beginRun(fresh)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    await expect(append(log, run, 3, 'd')).rejects.toMatchObject({ code: 'unavailable' });
    expect((await snapshotOf(log, run.conversationId)).run?.text).toBe('abc');
  } finally {
    await redis.cli('CONFIG', 'SET', 'maxmemory', '0');
  }
  expect(await log.readState({ conversationId: fresh.conversationId })).toEqual({ kind: 'none' });
  expect(await append(log, run, 3, 'd')).toMatchObject({ outcome: 'appended' });
});

test('P-4 P-5 a store over its memory limit keeps leases, takes runs over, cancels, ends and deletes', async () => {
  const [first, second] = [await startRun(log), await startRun(log)];
  await append(log, first, 0, 'abc');
  await append(log, second, 0, 'abc');
  await redis.cli('CONFIG', 'SET', 'maxmemory', '1');
  try {
    expect([...(await log.renewLeases(OWNER, LEASE_MS, [first, second])).values()]).toEqual(['renewed', 'renewed']);
    expect(await log.releaseRun(second)).toBe('released');
    const taken = await log.claimRun({ ...second, owner: 'other', leaseMs: LEASE_MS, models: MODELS });
    expect(taken).toMatchObject({ outcome: 'claimed', epoch: second.epoch + 1, text: 'abc' });

    const { conversationId, runId } = first;
    expect(await log.cancelRun({ conversationId, runId, userId: USER })).toMatchObject({ outcome: 'cancelling' });
    expect((await log.renewLeases(OWNER, LEASE_MS, [first])).get(runKey(first))).toBe('cancelled');
    expect(await log.endRun(endOf(first, 'abc', { reason: 'cancelled' }))).toMatchObject({ outcome: 'ended' });
    expect((await snapshotOf(log, conversationId)).messages.at(-1)).toMatchObject({ text: 'abc', status: 'cancelled' });
    expect(await log.deleteMessage({ conversationId, userId: USER, messageId: runId })).toMatchObject({ outcome: 'done' });
    expect(await log.deleteConversation({ conversationId, userId: USER })).toMatchObject({ outcome: 'done' });
  } finally {
    await redis.cli('CONFIG', 'SET', 'maxmemory', '0');
  }
});
