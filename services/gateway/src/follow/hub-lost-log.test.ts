import { expect, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import type { FaultyLog } from '../../testing/faulty-log.ts';
import { C, startHub } from '../../testing/test-hub.ts';

/** How the owner of `r1` writes it again, with what it holds now. */
const restorerOf = async (log: FaultyLog, text: string): Promise<() => Promise<unknown>> => {
  const state = await log.readState({ conversationId: C });
  if (state.kind !== 'snapshot') throw new Error('no conversation');
  const { messages } = state;
  const run = { runId: 'r1', parentId: 'm1', model: 'default', startedAt: 1 };
  const owned = { conversationId: C, runId: 'r1', epoch: 1, owner: 'test', leaseMs: 60_000 };
  return () => log.restoreRun({ ...owned, newLogId: 'fresh', userId: 'ann', title: 'hi', run, text, messages });
};

/** The same hub over a store that lost everything. */
const loseData = (log: FaultyLog): void => {
  const { readState, restoreRun } = createMemoryRunLog();
  Object.assign(log, { readState, restoreRun });
};

test('L-6 a log that is gone is waited for, and its restored form comes as a snapshot (W-13)', async () => {
  const { log, owner, begin, follow, pass } = startHub();
  await begin();
  const { screen } = follow();
  await owner.say('r1', 'kept');
  await pass();
  const restore = await restorerOf(log, 'kept');
  loseData(log);
  log.heal();
  await pass(2000);
  expect(screen.state.run?.text).toBe('kept');
  await restore();
  await pass(600);
  expect(screen.state).toMatchObject({ logId: 'fresh', run: { runId: 'r1', text: 'kept' } });
  expect(screen.snapshots).toBe(2);
});

test('L-6 a store that failed over to less than was shown is waited for: a screen does not go back', async () => {
  const { log, owner, begin, follow, pass } = startHub();
  await begin();
  const { screen } = follow();
  await owner.say('r1', 'kept');
  const lagging = await log.readState({ conversationId: C });
  await owner.say('r1', ' and more');
  await pass();
  const { readState } = log;
  log.readState = () => Promise.resolve(lagging);
  log.heal();
  await pass(2000);
  expect(screen.text('r1')).toBe('kept and more');
  expect(screen.snapshots).toBe(1);
  log.readState = readState;
  await pass(600);
  expect(screen.snapshots).toBe(1);
  // Nobody writes it again: after the grace the store is right.
  log.readState = () => Promise.resolve(lagging);
  log.heal();
  await pass(7000);
  expect(screen.text('r1')).toBe('kept');
});

test('L-6 W-9 behind a hole in the channel, an event that looks like the next one may be of another log: a read decides', async () => {
  const { log, owner, begin, follow, pass } = startHub();
  await begin();
  const { screen } = follow();
  await owner.say('r1', 'kept');
  await pass();
  const restore = await restorerOf(log, 'kept and more');
  const { offset } = screen.state;
  loseData(log);
  log.heal();
  const chunk = { type: 'chunk', conversationId: C, offset: offset + 1, runId: 'r1', at: 13, t: 1, text: ' and on' };
  await log.publishHint(C, JSON.stringify(chunk));
  expect(screen.state).toMatchObject({ offset, run: { text: 'kept' } });
  await restore();
  await pass(600);
  expect(screen.state).toMatchObject({ logId: 'fresh', run: { text: 'kept and more' } });
});

test('L-6 a log that nobody restores is empty after three seconds', async () => {
  const { log, begin, follow, pass } = startHub();
  await begin();
  const { screen } = follow();
  await pass();
  loseData(log);
  log.heal();
  await pass(2000);
  expect(screen.state.logId).not.toBeNull();
  await pass(2500);
  expect(screen.state).toMatchObject({ logId: null, offset: 0, messages: [] });
});

test('W-13 a deleted conversation is empty at once', async () => {
  const { log, owner, begin, follow, pass } = startHub();
  await begin();
  const { screen } = follow();
  await owner.end('r1');
  await pass();
  await log.deleteConversation({ conversationId: C, userId: 'ann' });
  await pass();
  expect(screen.state).toMatchObject({ logId: null, offset: 0, messages: [] });
  await begin(2);
  await pass();
  expect(screen.state.run).toMatchObject({ runId: 'r2' });
});
