import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RunnelError } from '@runnel/protocol';
import type { Caller } from '../auth/identity.ts';
import { hello, openSession, settle, welcomed } from '../../testing/fake-session.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('P-10 commands that wait for another of their conversation are answered within a second, and those not begun never are', async () => {
  const begun: string[] = [];
  const { socket, say } = await welcomed({
    answer: ({ runId }) => {
      begun.push(runId!);
      return new Promise((_, reject) => setTimeout(() => reject(new RunnelError('unavailable')), 800));
    },
  });
  for (const runId of ['r1', 'r2', 'r3']) say({ type: 'cancel', id: runId, conversationId: 'c1', runId });
  await vi.advanceTimersByTimeAsync(950);
  expect(socket.sent.map((e) => e.type === 'error' && [e.id, e.code])).toEqual(['r1', 'r2', 'r3'].map((id) => [id, 'unavailable']));
  await vi.advanceTimersByTimeAsync(5000);
  expect(begun).toEqual(['r1', 'r2']);
  expect(socket.sent).toHaveLength(3);
});

test('W-4 a burst of commands on one socket is carried out whole, some at a time', async () => {
  let underWay = 0;
  let most = 0;
  const { socket, say } = await welcomed({
    answer: async () => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setTimeout(resolve, 5));
      underWay--;
      return {};
    },
  });
  for (let i = 0; i < 500; i++) say({ type: 'cancel', id: i, conversationId: `c${i}`, runId: 'r1' });
  await vi.advanceTimersByTimeAsync(800);
  expect(socket.sent.filter((e) => e.type === 'ok')).toHaveLength(500);
  expect(most).toBeLessThanOrEqual(32);
});

test('commands of one conversation keep their order; of two they do not wait for each other', async () => {
  const done: string[] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const { say } = await welcomed({
    answer: async ({ conversationId }, name) => {
      if (name === 'prompt') await gate;
      done.push(`${name} ${conversationId}`);
      return {};
    },
  });
  say({ type: 'prompt', conversationId: 'a', messageId: 'm', text: 'x' });
  say({ type: 'cancel', conversationId: 'a', runId: 'r' });
  say({ type: 'cancel', conversationId: 'b', runId: 'r' });
  await settle();
  expect(done).toEqual(['cancel b']);
  open();
  await settle();
  expect(done).toEqual(['cancel b', 'prompt a', 'cancel a']);
});

test('a command is asked for by whom the last hello, or the provider since then, says the person is', async () => {
  const said = [['readers'], ['writers']];
  const changes: ((now: { groups: string[] }) => void)[] = [];
  const callers: Caller[] = [];
  const { say } = openSession({
    opening: { identity: null },
    verify: async () => ({
      ...{ userId: 'ann', expiresAt: null, groups: said.shift()! },
      watch: (_ended, changed) => {
        changes.push(changed!);
        return () => {};
      },
    }),
    answer: async (_command, _name, caller) => callers.push(caller),
  });
  const cancel = async () => {
    say({ type: 'cancel', conversationId: 'c1', runId: 'r1' });
    await settle();
  };
  for (let hellos = 0; hellos < 2; hellos++) {
    say(hello({ token: 'x' }));
    await settle();
    await cancel();
  }
  changes.at(-1)!({ groups: [] });
  await cancel();
  expect(callers).toEqual([['readers'], ['writers'], []].map((groups) => ({ userId: 'ann', groups })));
});
