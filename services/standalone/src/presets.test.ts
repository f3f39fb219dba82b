import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { newFolder, startAll } from '../testing/start-all.ts';

test('what a conversation has of its own for models is changed by PATCH, listed, kept over a restart, and goes with it', async () => {
  const dir = await newFolder();
  const first = await startAll(dir);
  await first.ask({ conversationId: 'c1', messageId: randomUUID(), text: 'thanks', model: 'demo' });
  const patch = async (payload: object) => (await first.inject('PATCH', '/api/conversations/c1', { payload })).statusCode;
  expect(await patch({ system: ' Be short. ', model: 'count', title: 'Named' })).toBe(200);
  expect(await patch({})).toBe(400);
  expect(await patch({ model: 'nothing' })).toBe(400);
  expect(await patch({ system: 'x'.repeat(10_001) })).toBe(413);
  const listed = async ({ inject }: typeof first) =>
    (await inject('GET', '/api/conversations')).json<{ conversations: object[] }>().conversations;
  const named = { conversationId: 'c1', title: 'Named', system: 'Be short.', model: 'count' };
  expect(await listed(first)).toMatchObject([named]);
  await first.close();

  const second = await startAll(dir);
  expect(await listed(second)).toMatchObject([named]);
  await second.ask({ conversationId: 'c1', messageId: randomUUID(), text: 'count 2 at 500' });
  expect((await second.history('c1')).at(-1)).toMatchObject({ model: 'count', text: 'w000001 w000002' });
  // Another model that somebody names is its own from then on.
  await second.ask({ conversationId: 'c1', messageId: randomUUID(), text: 'thanks again', model: 'demo' });
  expect((await second.inject('PATCH', '/api/conversations/c1', { payload: { system: null } })).statusCode).toBe(200);
  await second.close();

  const third = await startAll(dir);
  const [conversation] = await listed(third);
  expect(conversation).toMatchObject({ model: 'demo' });
  expect(conversation).not.toHaveProperty('system');
  expect((await third.inject('DELETE', '/api/history/c1')).statusCode).toBe(204);
  await third.close();
  const fourth = await startAll(dir);
  await fourth.ask({ conversationId: 'c1', messageId: randomUUID(), text: 'thanks' });
  expect((await listed(fourth))[0]).not.toHaveProperty('system');
});
