import { expect, test } from 'vitest';
import { append, snapshotOf, startRun, USER, wholeRun, type Started } from './contract/world.ts';
import { useRedisLog } from './use-redis-log.ts';

// Which answers go over a connection of their own. What a reader gets is the same either way, so the contract cannot see it.

let said: string[] = [];
const { log } = await useRedisLog({ onCommand: (name, _seconds, outcome) => said.push(`${name} ${outcome}`) });

const outcomesOf = async (read: () => Promise<unknown>): Promise<string[]> => {
  said = [];
  await read();
  return said.filter((line) => line.startsWith('read-'));
};
const LIMIT = 64 * 1024;
const tail = (run: Started, logId: string, offset: number) => () =>
  log.readState({ conversationId: run.conversationId, userId: USER, cursor: { logId, offset } });
const snapshot = (run: Started) => () => log.readState({ conversationId: run.conversationId, userId: USER });

test('S-6 a tail of up to 64 KiB goes over the connection of all commands, a longer one over its own', async () => {
  const run = await startRun(log);
  const { logId, offset } = await snapshotOf(log, run.conversationId);
  await append(log, run, 0, 'x'.repeat(LIMIT - 1_000));
  expect(await outcomesOf(tail(run, logId, offset))).toEqual(['read-state tail']);
  await append(log, run, LIMIT - 1_000, 'y'.repeat(1_000));
  expect(await outcomesOf(tail(run, logId, offset))).toEqual(['read-state large', 'read-state tail']);
});

test('S-6 a snapshot is large by its messages, by the text of the answer that runs, or by both together', async () => {
  const half = 'x'.repeat(LIMIT - 20_000);
  const run = await startRun(log);
  await append(log, run, 0, half);
  expect(await outcomesOf(snapshot(run))).toEqual(['read-state snapshot']);
  await append(log, run, half.length, 'y'.repeat(20_000));
  expect(await outcomesOf(snapshot(run))).toEqual(['read-state large', 'read-state snapshot']);

  const ended = await wholeRun(log, {}, half);
  expect(await outcomesOf(snapshot(ended))).toEqual(['read-state snapshot']);
  const next = await startRun(log, { conversationId: ended.conversationId });
  await append(log, next, 0, 'y'.repeat(20_000));
  expect(await outcomesOf(snapshot(next))).toEqual(['read-state large', 'read-state snapshot']);
  const page = () => log.readHistory({ conversationId: ended.conversationId, userId: USER, limit: 50 });
  expect(await outcomesOf(page)).toEqual(['read-history page']);
});

test('S-6 a page of history is large by what it has', async () => {
  const { conversationId } = await wholeRun(log, {}, 'x'.repeat(LIMIT));
  const page = (limit: number, before?: string) => () =>
    log.readHistory({ conversationId, userId: USER, limit, ...(before !== undefined && { before }) });
  expect(await outcomesOf(page(50))).toEqual(['read-history large', 'read-history page']);
  const [, { messageId }] = (await snapshotOf(log, conversationId)).messages as [unknown, { messageId: string }];
  expect(await outcomesOf(page(50, messageId))).toEqual(['read-history page']);
});

test('W-7 P-8 a tail of 512 KiB to the byte is one, with one byte more it is a snapshot', async () => {
  for (const [more, kind] of [
    [0, 'tail'],
    [1, 'snapshot'],
  ] as const) {
    const run = await startRun(log);
    const { conversationId } = run;
    const { logId, offset } = await snapshotOf(log, conversationId);
    const read = (reach: 'near' | 'far') => log.readState({ conversationId, cursor: { logId, offset }, reach });
    const sizeOf = async (): Promise<number> => {
      const state = await read('far');
      if (state.kind !== 'tail') throw new Error(state.kind);
      return state.entries.reduce((sum, { json }) => sum + Buffer.byteLength(json), 0);
    };
    let at = 0;
    const say = async (bytes: number): Promise<void> => {
      expect(await append(log, run, at, 'x'.repeat(bytes))).toMatchObject({ outcome: 'appended' });
      at += bytes;
    };
    // Behind a large piece the log keeps as many as fill 512 KiB; small ones come on top of them.
    for (let index = 0; index < 5; index++) await say(100_000);
    for (let index = 0; index < 10; index++) await say(2_000);
    const before = await sizeOf();
    await say(10);
    const around = (await sizeOf()) - before - 10;
    await say(512 * 1024 + more - (await sizeOf()) - around);
    expect(await sizeOf()).toBe(512 * 1024 + more);
    expect(await read('near')).toMatchObject({ kind });
  }
});
