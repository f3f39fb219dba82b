import { EventEmitter } from 'node:events';
import { RunnelError } from '@runnel/protocol';
import { ReplyError } from 'ioredis';
import { expect, test, vi } from 'vitest';
import type { RedisClient } from './connect.ts';
import { createRedisCaller, storeError } from './caller.ts';

const DEADLINE_MS = 30;
const never = (): Promise<never> => new Promise(() => {});

const open = (status: string) => {
  const client = Object.assign(new EventEmitter(), { status, isCluster: false });
  const onCommand = vi.fn<(name: string, seconds: number, outcome: string) => void>();
  const caller = createRedisCaller(client as unknown as RedisClient, onCommand, DEADLINE_MS);
  const seen = (): string[] => onCommand.mock.calls.map(([name, , outcome]) => `${name} ${outcome}`);
  return { client, caller, seen };
};

test('P-10 what is not answered in time is unavailable', async () => {
  const { caller, seen } = open('ready');
  await expect(caller.call('slow', never)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
  expect(
    await caller.call(
      'quick',
      async () => ['appended', 1],
      (reply) => String(reply[0]),
    ),
  ).toEqual(['appended', 1]);
  expect(seen()).toEqual(['slow unavailable', 'quick appended']);
});

test('P-10 a store that answers others is busy, not down: its answer is waited for', async () => {
  const { caller } = open('ready');
  const answered = Promise.withResolvers<number>();
  const slow = caller.call('slow', () => answered.promise);
  await caller.call('quick', async () => 1);
  expect(caller.answering()).toBe(true);
  setTimeout(() => answered.resolve(2), DEADLINE_MS * 3);
  expect(await slow).toBe(2);
  const cluster = open('ready');
  cluster.client.isCluster = true;
  await cluster.caller.call('quick', async () => 1);
  expect(cluster.caller.answering()).toBe(false);
});

test('a command waits a moment for the connection, and leaves no listener behind', async () => {
  const { client, caller } = open('connecting');
  const waiting = [caller.call('a', async () => 1), caller.call('b', async () => 2), caller.ready()];
  expect(client.listenerCount('ready')).toBe(2);
  client.emit('ready');
  expect(await Promise.all(waiting)).toEqual([1, 2, undefined]);
  expect([client.listenerCount('ready'), client.listenerCount('end')]).toEqual([1, 0]);
  await expect(caller.call('c', async () => 3)).rejects.toMatchObject({ code: 'unavailable' });
});

test('who listens cannot spoil an answer, and what cannot be sent is a rejection', async () => {
  const { caller } = open('ready');
  const spoilt = caller.call(
    'a',
    async () => 1,
    () => {
      throw new Error('no word for it');
    },
  );
  expect(await spoilt).toBe(1);
  const unsendable = (): never => {
    throw new RunnelError('bad-frame');
  };
  await expect(caller.call('b', unsendable)).rejects.toMatchObject({ code: 'bad-frame' });
});

test('a closed client refuses at once', async () => {
  const { client, caller } = open('end');
  await expect(caller.call('a', never)).rejects.toMatchObject({ code: 'unavailable' });
  const waiting = open('connecting');
  const refused = expect(waiting.caller.call('a', never)).rejects.toMatchObject({ code: 'unavailable' });
  waiting.client.emit('end');
  await refused;
  expect(client.listenerCount('ready')).toBe(1);
});

test.each([
  [new Error('Connection is closed.'), 'unavailable'],
  [new ReplyError('LOADING Redis is loading the dataset in memory'), 'unavailable'],
  [new ReplyError('READONLY You can not write against a read only replica.'), 'unavailable'],
  [new ReplyError('CLUSTERDOWN The cluster is down'), 'unavailable'],
  [new ReplyError('OOM command not allowed'), 'unavailable'],
  [new ReplyError('ERR user_script:12: attempt to index a nil value'), 'internal'],
  [new ReplyError('WRONGTYPE Operation against a key'), 'internal'],
  [new RunnelError('bad-frame'), 'bad-frame'],
])('%s is told as %s', (cause, code) => {
  expect(storeError(cause).code).toBe(code);
});

test('P-10 who waits in vain for a connection is told what is the matter with it, until it is mended', async () => {
  const { client, caller } = open('connecting');
  client.emit('error', new Error('WRONGPASS'));
  await expect(caller.ready()).rejects.toMatchObject({ code: 'unavailable', cause: { message: 'WRONGPASS' } });
  client.emit('ready');
  const late = await caller.call('slow', never).catch((error: unknown) => error as RunnelError);
  expect(late).toMatchObject({ code: 'unavailable' });
  expect((late as RunnelError).cause).toBeUndefined();
});
