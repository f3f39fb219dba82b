import { newId, type Message, type Part } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import {
  append,
  endOf,
  LEASE_MS,
  MODELS,
  promptOf,
  restoreOf,
  snapshotOf,
  startRun,
  USER,
  wholeRun,
  type Started,
} from './contract/world.ts';
import { keyName, outboxKey, shardOf, type KeyName } from '../src/redis/keys.ts';
import { useRedisLog } from './use-redis-log.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const { redis, log } = await useRedisLog();

const named = ({ conversationId, runId }: { conversationId: string; runId: string }, name: KeyName): string =>
  keyName(name, { shard: shardOf(conversationId), conversationId, runId });
const lifeOf = async (run: Started, name: KeyName): Promise<number> => Number(await redis.cli('PTTL', named(run, name)));
const eventsIn = async ({ conversationId }: Started): Promise<string[]> => {
  const rows = (await redis.cli('XRANGE', outboxKey(shardOf(conversationId)), '-', '+')) as [string, string[]][];
  return rows
    .map(([, fields]) => fields)
    .filter((fields) => fields.includes(conversationId))
    .map((fields) => fields[fields.indexOf('type') + 1]!);
};

/** All that is kept of it has an hour left. */
const growOld = async ({ conversationId }: Started): Promise<void> => {
  for (const key of (await redis.cli('KEYS', `*${conversationId}*`)) as string[]) await redis.cli('PEXPIRE', key, String(HOUR_MS));
};

const KEPT = ['meta', 'history', 'order', 'ids'] as const;
const RUNNING = [...KEPT, 'log', 'owner', 'run'] as const;

const question: Part = { partId: 'p0', index: 0, at: 0, kind: 'question', state: 'waiting', text: 'Which one?' };
const waiting = async (): Promise<Started> => {
  const run = await startRun(log);
  await log.putPart({ ...run, part: question, from: null });
  return run;
};
const stored = (messageId: string): Message => ({ messageId, parentId: null, role: 'user', text: 'old', status: 'complete', createdAt: 1 });
const lossy = async (): Promise<Started> => {
  const run = await wholeRun(log);
  await redis.cli('HSET', named(run, 'meta'), 'lossy', String(Date.now()));
  return run;
};
const endOfRun = (run: Started) => ({
  ...endOf(run, 'ab'),
  ...restoreOf(run, 'ab'),
  owner: undefined,
});

interface Change {
  begin: () => Promise<Started>;
  act: (run: Started) => Promise<{ outcome: string }>;
  outcome: string;
  lives: readonly KeyName[];
  tells: string;
}

/** Every command that changes a conversation: what it answers, which keys live a day from it on, and what the audit is told. */
const CHANGES: Record<string, Change> = {
  'begin-run': {
    begin: () => wholeRun(log),
    act: ({ conversationId }) => log.beginRun(promptOf({ conversationId })),
    ...{ outcome: 'started', lives: [...KEPT, 'log', 'owner'], tells: 'STREAM_STARTED' },
  },
  'claim-run, a second time': {
    begin: async () => {
      const run = await startRun(log);
      await append(log, run, 0, 'ab');
      await log.releaseRun(run);
      return run;
    },
    act: ({ conversationId, runId }) => log.claimRun({ conversationId, runId, owner: 'pod-b', leaseMs: LEASE_MS, models: MODELS }),
    ...{ outcome: 'claimed', lives: ['meta', 'history', 'order', 'log', 'owner', 'run'], tells: 'RECOVERY_ATTEMPT' },
  },
  'end-run': {
    begin: () => startRun(log),
    act: (run) => log.endRun(endOf(run, '')),
    ...{ outcome: 'ended', lives: KEPT, tells: 'STREAM_COMPLETED' },
  },
  'put-part': {
    begin: () => startRun(log),
    act: (run) => log.putPart({ ...run, part: question, from: null }),
    ...{ outcome: 'put', lives: ['parts'], tells: 'PART_CHANGED' },
  },
  'park-run': {
    begin: waiting,
    act: (run) => log.parkRun({ ...run, partIds: ['p0'], bytes: 0 }),
    ...{ outcome: 'parked', lives: RUNNING, tells: 'RUN_WAITING' },
  },
  'decide-part': {
    begin: async () => {
      const run = await waiting();
      await log.parkRun({ ...run, partIds: ['p0'], bytes: 0 });
      return run;
    },
    act: (run) =>
      log.decidePart({
        ...run,
        userId: USER,
        decision: 'answer',
        expected: question,
        part: { ...question, state: 'answered', answer: 'x' },
      }),
    ...{ outcome: 'decided', lives: [], tells: 'PART_DECIDED' },
  },
  'delete-message': {
    begin: () => wholeRun(log),
    act: ({ conversationId, messageId }) => log.deleteMessage({ conversationId, userId: USER, messageId }),
    ...{ outcome: 'done', lives: KEPT, tells: 'MESSAGE_DELETED' },
  },
  'delete-message with its title': {
    begin: () => wholeRun(log, { title: 'count 3' }),
    act: ({ conversationId, messageId }) => log.deleteMessage({ conversationId, userId: USER, messageId }),
    ...{ outcome: 'done', lives: KEPT, tells: 'TITLE_CHANGED' },
  },
  'set-title': {
    begin: () => wholeRun(log),
    act: ({ conversationId }) => log.setTitle({ conversationId, userId: USER, title: 'x' }),
    ...{ outcome: 'done', lives: KEPT, tells: 'TITLE_CHANGED' },
  },
  'propose-title': {
    begin: () => wholeRun(log),
    act: ({ conversationId, runId, messageId: promptId }) =>
      log.proposeTitle({ conversationId, userId: USER, runId, promptId, expected: 'A title', title: 'x', model: 'small' }),
    ...{ outcome: 'named', lives: KEPT, tells: 'TITLE_CHANGED' },
  },
  'delete-message with the title that a model made of it': {
    begin: async () => {
      const run = await wholeRun(log);
      const { conversationId, runId, messageId: promptId } = run;
      await log.proposeTitle({ conversationId, userId: USER, runId, promptId, expected: 'A title', title: 'x', model: 'small' });
      return run;
    },
    act: ({ conversationId, runId }) => log.deleteMessage({ conversationId, userId: USER, messageId: runId }),
    ...{ outcome: 'done', lives: KEPT, tells: 'TITLE_CHANGED' },
  },
  rehydrate: {
    begin: async () => ({ conversationId: newId(), runId: newId(), messageId: newId(), epoch: 1 }),
    act: ({ conversationId }) => log.rehydrate({ conversationId, userId: USER, title: '', messages: [stored('m0')], hasMore: false }),
    ...{ outcome: 'rehydrated', lives: KEPT, tells: 'RECOVERY_ATTEMPT' },
  },
  'rehydrate one that may lack something': {
    begin: lossy,
    act: ({ conversationId }) => log.rehydrate({ conversationId, userId: USER, title: '', messages: [stored('m0')], hasMore: false }),
    ...{ outcome: 'rehydrated', lives: KEPT, tells: 'RECOVERY_ATTEMPT' },
  },
  'merge-stored': {
    begin: () => wholeRun(log),
    act: ({ conversationId }) => log.mergeStored({ conversationId, userId: USER, title: '', messages: [stored('m0')], hasMore: false }),
    ...{ outcome: 'merged', lives: KEPT, tells: 'RECOVERY_ATTEMPT' },
  },
  'restore-run': {
    begin: () => startRun(log),
    act: (run) => log.restoreRun(restoreOf(run, 'ab')),
    ...{ outcome: 'restored', lives: [...RUNNING, 'text'], tells: 'RECOVERY_ATTEMPT' },
  },
  'restore-end': {
    begin: () => startRun(log),
    act: (run) => log.restoreEnd(endOfRun(run)),
    ...{ outcome: 'restored', lives: KEPT, tells: 'STREAM_COMPLETED' },
  },
};

describe.each(Object.entries(CHANGES))('%s', (_name, { begin, act, outcome, lives, tells }) => {
  test('L-2 a conversation lives a day from its last change, all of it, and the audit is told of the change once', async () => {
    const run = await begin();
    await growOld(run);
    const told = (await eventsIn(run)).filter((type) => type === tells).length;
    expect((await act(run)).outcome).toBe(outcome);
    for (const name of lives) expect([name, (await lifeOf(run, name)) > DAY_MS - MINUTE_MS]).toEqual([name, true]);
    expect((await eventsIn(run)).filter((type) => type === tells)).toHaveLength(told + 1);
    const { run: running } = await snapshotOf(log, run.conversationId);
    // While nothing runs its log goes after a minute.
    if (running === null) expect(await lifeOf(run, 'log')).toBeLessThanOrEqual(MINUTE_MS);
  });
});
