import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { newFolder, startAll } from '../testing/start-all.ts';

type App = Awaited<ReturnType<typeof startAll>>;

const get = async <T>({ inject }: App, path: string): Promise<T> => {
  const answer = await inject('GET', path);
  expect(answer.statusCode).toBe(200);
  return answer.json<T>();
};
const listed = async (app: App, query = ''): Promise<object[]> =>
  (await get<{ conversations: object[] }>(app, `/api/conversations${query}`)).conversations;

test('what a person sets is kept over a restart: places, thumbs, prompts, settings; and goes with what it belongs to', async () => {
  const dir = await newFolder();
  const first = await startAll(dir);
  const status = async (method: 'PATCH' | 'PUT' | 'DELETE', path: string, payload?: object): Promise<number> =>
    (await first.inject(method, path, payload && { payload })).statusCode;
  for (const conversationId of ['c1', 'c2', 'c3'])
    await first.ask({ conversationId, messageId: randomUUID(), text: 'thanks', model: 'demo' });
  const [question, answer] = (await first.history('c1')) as { messageId: string }[];

  const patched = await first.inject('PATCH', '/api/conversations/c1', { payload: { pinned: true, folder: ' Việc ' } });
  expect([patched.statusCode, patched.json()]).toEqual([200, { pinned: true, folder: 'Việc' }]);
  expect(await status('PATCH', '/api/conversations/c2', { archived: true })).toBe(200);
  expect(await status('PATCH', '/api/conversations/c2', { folder: 'x'.repeat(61) })).toBe(413);
  expect(await status('PATCH', '/api/conversations/nothing', { pinned: true })).toBe(404);
  const thumb = (messageId: string) => `/api/conversations/c1/messages/${messageId}/feedback`;
  expect(await status('PUT', thumb(answer!.messageId), { rating: 'down', reason: ' dài quá ' })).toBe(204);
  expect(await status('PUT', thumb(question!.messageId), { rating: 'up' })).toBe(404);
  expect(await status('PUT', thumb('nothing'), { rating: 'up' })).toBe(404);
  expect(await status('PUT', thumb(answer!.messageId), { rating: 'sideways' })).toBe(400);
  expect(await status('PUT', '/api/prompts/t%C3%B3m-t%E1%BA%AFt', { text: ' Tóm tắt: ' })).toBe(200);
  expect(await status('PUT', '/api/prompts/a%20b', { text: 'x' })).toBe(400);
  expect(await status('PUT', '/api/prompts/a', { text: ' ' })).toBe(400);
  expect(await status('PUT', '/api/prompts/a', { text: 'x'.repeat(5_001) })).toBe(413);
  expect(await status('PATCH', '/api/settings', { theme: 'dark', language: 'vi', sendKey: null })).toBe(200);
  expect(await status('PATCH', '/api/settings', { theme: 'pink' })).toBe(400);
  expect(await status('PATCH', '/api/settings', { colour: 'pink' })).toBe(400);
  await first.close();

  const second = await startAll(dir);
  expect(await listed(second, '?pinned=first')).toMatchObject([
    { conversationId: 'c1', pinned: true, folder: 'Việc' },
    { conversationId: 'c3' },
  ]);
  expect(await listed(second, '?archived=true')).toMatchObject([{ conversationId: 'c2', archived: true }]);
  expect(await listed(second, `?folder=${encodeURIComponent('Việc')}`)).toMatchObject([{ conversationId: 'c1' }]);
  expect(await get(second, '/api/folders')).toEqual({ folders: [{ name: 'Việc', count: 1 }] });
  const feedback = [{ messageId: answer!.messageId, rating: 'down', reason: 'dài quá' }];
  expect(await get(second, '/api/conversations/c1/feedback')).toEqual({ feedback });
  expect(await get(second, '/api/prompts')).toMatchObject({ prompts: [{ name: 'tóm-tắt', text: 'Tóm tắt:' }], limit: 200 });
  expect(await get(second, '/api/settings')).toEqual({ theme: 'dark', language: 'vi' });
  expect((await second.inject('DELETE', '/api/history/c1')).statusCode).toBe(204);
  expect((await second.inject('DELETE', '/api/prompts/t%C3%B3m-t%E1%BA%AFt')).statusCode).toBe(204);
  expect((await second.inject('DELETE', '/api/prompts/t%C3%B3m-t%E1%BA%AFt')).statusCode).toBe(204);
  await second.close();

  const third = await startAll(dir);
  expect((await get<{ prompts: object[] }>(third, '/api/prompts')).prompts).toEqual([]);
  expect(await get(third, '/api/folders')).toEqual({ folders: [] });
  // Made again under the same id, it has nothing of the one before.
  await third.ask({ conversationId: 'c1', messageId: randomUUID(), text: 'thanks', model: 'demo' });
  expect((await listed(third))[0]).not.toHaveProperty('pinned');
  expect(await get(third, '/api/conversations/c1/feedback')).toEqual({ feedback: [] });
});
