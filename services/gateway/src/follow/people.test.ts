import { createMemoryRunLog, type PersonListener } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { startGateway } from '../../testing/test-gateway.ts';
import { createPeople } from './people.ts';

const HINT = '{"type":"list","change":"answered","name":"c1"}';

test('a person with many sockets is one subscription, which ends with the last of them', async () => {
  const listeners = new Map<string, PersonListener>();
  const sizes: number[] = [];
  const people = createPeople(
    {
      followPerson: async (userId, listener) => {
        expect(listeners.has(userId)).toBe(false);
        listeners.set(userId, listener);
        return { close: async () => void listeners.delete(userId) };
      },
    },
    (size) => sizes.push(size),
  );
  const heard: string[] = [];
  const ends = ['a', 'b'].map((name) => people.follow('ann', (event) => heard.push(`${name} ${event.bytes.toString()}`)));
  await waitFor(() => listeners.has('ann'), { everyMs: 1 });
  listeners.get('ann')!.message(Buffer.from(HINT));
  listeners.get('ann')!.message(Buffer.alloc(5_000, ' '));
  expect(heard).toEqual([`a ${HINT}`, `b ${HINT}`]);
  ends[0]!();
  ends[0]!();
  // What may have been missed is worth reading again.
  listeners.get('ann')!.resubscribed();
  expect(heard.slice(2)).toEqual(['b {"type":"list","change":"missed"}']);
  ends[1]!();
  await waitFor(() => listeners.size === 0, { everyMs: 1 });
  expect(sizes).toEqual([1, 1, 0]);
});

test('P-10 while the store is away nobody is told, and once it is back pages read their lists again', async () => {
  let fails = 1;
  const people = createPeople({
    followPerson: async () => {
      if (fails-- > 0) throw new RunnelError('unavailable');
      return { close: async () => {} };
    },
  });
  const heard: string[] = [];
  const end = people.follow('ann', (event) => heard.push(event.bytes.toString()));
  await waitFor(() => heard.length === 1, { deadlineMs: 8_000 });
  expect(heard).toEqual(['{"type":"list","change":"missed"}']);
  end();
});

test('what another device does is told to who asked for it in their hello, within a second, and to nobody else', async () => {
  await using gateway = await startGateway({ runLog: createMemoryRunLog() });
  const open = async (userId: string, list: boolean) => {
    const client = await gateway.connect({ query: { user_id: userId }, hello: false });
    client.send({ type: 'hello', protocol: 1, ...(list && { list }) });
    await client.next('welcome');
    return client;
  };
  const [asked, silent, other] = [await open('ann', true), await open('ann', false), await open('bob', true)];
  const api = (method: 'POST' | 'PATCH' | 'DELETE' | 'PUT', url: string, payload?: object) =>
    gateway.app.inject({ method, url: `${url}?user_id=ann`, ...(payload && { payload }) });
  expect((await api('POST', '/api/chat', { conversationId: 'c1', messageId: 'm1', text: 'hỏi' })).statusCode).toBe(202);
  expect(await asked.next('list', ({ change }) => change === 'answering')).toEqual({
    type: 'list',
    change: 'answering',
    name: 'c1',
    title: 'hỏi',
  });
  await api('PATCH', '/api/conversations/c1', { title: 'Named' });
  expect(await asked.next('list', ({ change }) => change === 'changed')).toEqual({
    type: 'list',
    change: 'changed',
    name: 'c1',
    title: 'Named',
  });
  await api('PATCH', '/api/conversations/c1', { pinned: true });
  expect(await asked.next('list', ({ change }) => change === 'place')).toEqual({ type: 'list', change: 'place', name: 'c1' });
  await api('PATCH', '/api/settings', { theme: 'dark' });
  expect(await asked.next('list', ({ change }) => change === 'setting')).toEqual({ type: 'list', change: 'setting', name: 'settings' });
  await api('DELETE', '/api/history/c1');
  expect(await asked.next('list', ({ change }) => change === 'deleted')).toEqual({ type: 'list', change: 'deleted', name: 'c1' });
  for (const client of [silent, other]) expect(client.events.filter(({ type }) => type === 'list')).toEqual([]);
});
