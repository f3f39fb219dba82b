import { expect, test } from 'vitest';
import { append, claimed, endOf, LEASE_MS, MODELS, OWNER, promptOf, restoreOf, snapshotOf, startRun, USER } from './contract/world.ts';
import { keyName, shardOf, type KeyName } from '../src/redis/keys.ts';
import type { RunRef } from '../src/run-ref.ts';
import { waitFor } from '../testing/index.ts';
import { useRedisLog } from './use-redis-log.ts';

const { redis, log } = await useRedisLog();

const evict = ({ conversationId, runId }: RunRef, key: KeyName) =>
  redis.cli('DEL', keyName(key, { shard: shardOf(conversationId), conversationId, runId }));

const KEYS = ['meta', 'run', 'text', 'owner', 'ids', 'history', 'order', 'log', 'leases', 'queued'] as const;

test.each(KEYS)('B13 %s evicted alone while an answer runs: its owner ends it whole, and the next prompt works', async (key) => {
  const run = await startRun(log);
  await append(log, run, 0, 'ab');
  await evict(run, key);
  const restore = () => log.restoreRun(restoreOf(run, 'ab'));
  const renewed = (await log.renewLeases(OWNER, LEASE_MS, [run])).get(`${run.conversationId}:${run.runId}`);
  if (renewed === 'gone') expect(await restore()).toMatchObject({ outcome: 'restored' });
  let { outcome } = await log.endRun(endOf(run, 'ab'));
  if (outcome !== 'ended') {
    expect(['gap', 'gone']).toContain(outcome);
    expect(await restore()).toMatchObject({ outcome: 'restored' });
    ({ outcome } = await log.endRun(endOf(run, 'ab')));
  }
  expect(outcome).toBe('ended');
  const { messages, run: active } = await snapshotOf(log, run.conversationId);
  expect([active, key === 'order' || messages.at(-1)?.text]).toEqual([null, key === 'order' || 'ab']);
  expect(await log.beginRun(promptOf({ conversationId: run.conversationId }))).toMatchObject({ outcome: 'started' });
});

test.each(KEYS)('B13 %s evicted alone while a prompt waits: it is answered or ended, and the next prompt works', async (key) => {
  const { conversationId, runId, ...prompt } = promptOf();
  await log.beginRun({ conversationId, runId, ...prompt });
  await evict({ conversationId, runId }, key);
  const next = await log.beginRun(promptOf({ conversationId }));
  if (next.outcome === 'started') return;
  expect(next).toMatchObject({ outcome: 'busy' });
  expect((await log.findFreeRuns(1_000)).map((free) => free.runId)).toContain(runId);
  const claim = claimed(await log.claimRun({ conversationId, runId, owner: OWNER, leaseMs: LEASE_MS, models: MODELS }));
  if (key === 'run' || key === 'history') expect(claim.spoilt).toBe('unreadable');
  expect(await log.endRun(endOf({ conversationId, runId, epoch: claim.epoch }, ''))).toMatchObject({ outcome: 'ended' });
  expect(await log.beginRun(promptOf({ conversationId }))).toMatchObject({ outcome: 'started' });
});

test('B13 seen evicted alone: nobody ends a prompt because of models that were there a moment ago', async () => {
  const { conversationId, runId } = promptOf();
  await log.beginRun(promptOf({ conversationId, runId }));
  const [orphanMs, since] = [300, Date.now()];
  const look = async (models: Record<string, boolean>) =>
    (await log.findFreeRuns(1_000, { models, orphanMs, announce: true })).find((run) => run.runId === runId)?.orphan;
  await waitFor(() => Date.now() > since + orphanMs);
  await look(MODELS);
  await evict({ conversationId, runId }, 'seen');
  expect(await look({ other: true })).toBeUndefined();
  // A model that stays away is told of as ever.
  await waitFor(async () => (await look({ other: true })) === 'count');
});

test('B13 an append behind an evicted record leaves none without its name: every append is gone until the owner wrote it again', async () => {
  const run = await startRun(log);
  await append(log, run, 0, 'ab');
  await evict(run, 'meta');
  for (let i = 0; i < 2; i++) expect(await append(log, run, 2, 'c')).toEqual({ outcome: 'gone' });
  expect(await log.restoreRun(restoreOf(run, 'ab'))).toMatchObject({ outcome: 'restored' });
  expect(await append(log, run, 2, 'c')).toMatchObject({ outcome: 'appended' });
});

test('B13 a conversation that is made again behind evicted records has nothing of the earlier one', async () => {
  const run = await startRun(log);
  const { conversationId, runId } = run;
  await append(log, run, 0, 'ab');
  await log.cancelRun({ conversationId, runId, userId: USER });
  for (const key of ['meta', 'whose'] as const) await evict(run, key);
  expect(await log.beginRun(promptOf({ conversationId, runId }))).toMatchObject({ outcome: 'started' });
  expect((await snapshotOf(log, conversationId)).messages).toHaveLength(1);
  const claim = claimed(await log.claimRun({ conversationId, runId, owner: OWNER, leaseMs: LEASE_MS, models: MODELS }));
  expect(claim).toMatchObject({ text: '', cancelled: null });
});

test('B17 deleting the message that named a conversation takes its words out of the title, a chosen title stays', async () => {
  const text = 'my  password is\nhunter2';
  const named = await startRun(log, { message: { messageId: 'm1', text }, title: 'my password is' });
  await log.endRun(endOf(named, ''));
  await log.deleteMessage({ conversationId: named.conversationId, userId: USER, messageId: 'm1' });
  expect((await snapshotOf(log, named.conversationId)).title).toBe('');
  const chosen = await startRun(log, { message: { messageId: 'm1', text }, title: 'Accounts' });
  await log.endRun(endOf(chosen, ''));
  await log.deleteMessage({ conversationId: chosen.conversationId, userId: USER, messageId: 'm1' });
  expect((await snapshotOf(log, chosen.conversationId)).title).toBe('Accounts');
});

test('B17 the title of a deleted conversation leaves the list of its user with it', async () => {
  const userId = 'titles-user';
  const { conversationId, runId } = await startRun(log, { userId, title: 'hunter2' });
  const title = () => redis.cli('HGET', keyName('titles', { shard: 0, conversationId, runId, userId }), conversationId);
  await waitFor(async () => (await title()) === 'hunter2');
  await log.deleteConversation({ conversationId, userId });
  await waitFor(async () => (await title()) === null);
});
