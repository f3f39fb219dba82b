import { randomUUID } from 'node:crypto';
import { waitFor } from '@runnel/kit';
import type { Message } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { newFolder, startAll, type Standalone } from '../testing/start-all.ts';

const upload = async ({ inject }: Standalone, payload: Buffer): Promise<string> => {
  const headers = { 'tus-resumable': '1.0.0', 'content-type': 'application/offset+octet-stream' };
  const about = { 'upload-length': String(payload.length), 'upload-metadata': `filename ${btoa('a.txt')}` };
  const made = await inject('POST', '/api/files', { headers: { ...headers, ...about }, payload });
  expect(made.statusCode).toBe(201);
  return String(made.headers['location']).split('/').at(-1)!;
};
const fork = ({ sendAs }: Standalone, from: string, body: object, user = 'ann') =>
  sendAs(user, 'POST', `/api/conversations/${from}/fork`, { payload: body });
/** Of what the database does not tell apart from the receipt. */
const plain = (messages: readonly Message[]) => messages.map(({ usage: _, ...message }) => message);
const isWhole = ({ inject }: Standalone, conversationId: string): Promise<unknown> =>
  waitFor(
    async () => {
      const found = await inject('GET', `/api/conversations/${conversationId}/verify`);
      return found.statusCode === 200 && found.json<{ problems: unknown[] }>().problems.length === 0;
    },
    { deadlineMs: 10_000, what: 'the trail to be whole' },
  );

test('P-1 a branch is a conversation of its own: messages, parts, files and receipts as they were, by whichever store, and both go their own way', async () => {
  const dir = await newFolder();
  const first = await startAll(dir, { ADMIN_USERS: 'root' });
  const file = Buffer.from('Nước chảy đá mòn.');
  const fileId = await upload(first, file);
  await first.ask({ conversationId: 'c1', messageId: randomUUID(), text: 'count 3 at 500', files: [fileId], model: 'count' });
  await first.ask({ conversationId: 'c1', messageId: randomUUID(), text: 'thanks, and think', model: 'demo' });
  await first.ask({ conversationId: 'c1', messageId: randomUUID(), text: 'count 2 at 500', model: 'count' });
  expect((await first.inject('PATCH', '/api/conversations/c1', { payload: { system: 'Be short.', title: 'Đá' } })).statusCode).toBe(200);
  const source = await first.history('c1');
  const upTo = source[3]!;
  expect(upTo.parts?.some(({ kind }) => kind === 'reasoning')).toBe(true);
  const body = { conversationId: 'f1', messageId: upTo.messageId };
  const made = await fork(first, 'c1', body);
  expect([made.statusCode, made.json()]).toEqual([200, { conversationId: 'f1', outcome: 'forked' }]);
  expect((await fork(first, 'c1', body)).json()).toEqual({ conversationId: 'f1', outcome: 'duplicate' });
  expect(plain(await first.history('f1'))).toEqual(plain(source.slice(0, 4)));
  const listed = (await first.inject('GET', '/api/conversations')).json<{ conversations: { conversationId: string }[] }>();
  expect(listed.conversations.find(({ conversationId }) => conversationId === 'f1')).toMatchObject({ title: 'Đá', system: 'Be short.' });
  // It goes on for itself.
  await first.ask({ conversationId: 'f1', messageId: randomUUID(), text: 'count 1 at 500', model: 'count' });
  expect(plain(await first.history('c1'))).toEqual(plain(source));
  await isWhole(first, 'f1');
  const trail = await first.inject('GET', '/api/conversations/f1/trail');
  expect(trail.body).toContain(`"forkedFrom":{"conversationId":"c1","messageId":"${upTo.messageId}"}`.replaceAll('"', '\\"'));
  const went = await first.history('f1');
  await first.close();

  // A restart: only the database has them.
  const second = await startAll(dir, { ADMIN_USERS: 'root' });
  expect(plain(await second.history('f1'))).toEqual(plain(went));
  expect((await fork(second, 'c1', body)).json()).toEqual({ conversationId: 'f1', outcome: 'duplicate' });
  expect((await fork(second, 'c1', { conversationId: 'f2', messageId: source[5]!.messageId })).json()).toMatchObject({ outcome: 'forked' });
  expect(plain(await second.history('f2'))).toEqual(plain(source));
  expect((await second.inject('DELETE', '/api/history/c1')).statusCode).toBe(204);
  expect(plain(await second.history('f2'))).toEqual(plain(source));
  expect((await second.inject('GET', `/api/files/${fileId}`)).rawPayload.equals(file)).toBe(true);
  expect((await fork(second, 'c1', body)).json()).toEqual({ conversationId: 'f1', outcome: 'duplicate' });
  await isWhole(second, 'f2');
  await second.close();

  const third = await startAll(dir, { ADMIN_USERS: 'root' });
  expect(plain(await third.history('f2'))).toEqual(plain(source));
  const found = (await third.inject('GET', '/api/search?q=w000003')).json<{ found: { conversationId: string }[] }>().found;
  expect(found.map(({ conversationId }) => conversationId).toSorted()).toEqual(['f1', 'f2']);
  expect((await third.sendAs('root', 'DELETE', '/api/admin/users/ann')).json()).toMatchObject({ conversations: 2, forgotten: true });
  expect((await third.inject('GET', '/api/history/f1')).statusCode).toBe(404);
});

test('S-1 a fork is of what one may read, up to what stands, under an id that is free', async () => {
  const all = await startAll(await newFolder());
  await all.ask({ conversationId: 'c1', messageId: 'm1', text: 'count 2 at 500', model: 'count' });
  await all.ask({ conversationId: 'c2', messageId: 'm1', text: 'count 2 at 500', model: 'count' });
  const status = async (from: string, body: object, user = 'ann') => (await fork(all, from, body, user)).statusCode;
  expect(await status('c1', { conversationId: 'f', messageId: 'm1' }, 'bob')).toBe(403);
  expect(await status('c1', { conversationId: 'f', messageId: 'nothing' })).toBe(404);
  expect(await status('none', { conversationId: 'f', messageId: 'm1' })).toBe(404);
  expect(await status('c1', { conversationId: 'c1', messageId: 'm1' })).toBe(400);
  expect(await status('c1', { conversationId: '../f', messageId: 'm1' })).toBe(400);
  const [, answer] = await all.history('c1');
  expect(await status('c1', { conversationId: 'c2', messageId: answer!.messageId })).toBe(400);
  // Somebody else's id, and one that was deleted.
  expect(await status('c1', { conversationId: 'f', messageId: 'm1' })).toBe(200);
  await all.sendAs('bob', 'POST', '/api/chat', {
    payload: { conversationId: 'b1', messageId: 'm', text: 'count 1 at 500', model: 'count' },
  });
  expect(await status('c1', { conversationId: 'b1', messageId: 'm1' })).toBe(403);
  expect((await all.inject('DELETE', '/api/history/f')).statusCode).toBe(204);
  expect(await status('c1', { conversationId: 'f', messageId: 'm1' })).toBe(404);
  // An answer that has not ended, and a message that was deleted.
  const asked = await all.inject('POST', '/api/chat', {
    payload: { conversationId: 'c1', messageId: 'm2', text: 'count 2000 at 20', model: 'count' },
  });
  const { runId } = asked.json<{ runId: string }>();
  expect(await status('c1', { conversationId: 'g', messageId: runId })).toBe(404);
  expect((await all.inject('POST', '/api/cancel', { payload: { conversationId: 'c1', runId } })).statusCode).toBe(200);
  await waitFor(async () => (await status('c1', { conversationId: 'g', messageId: runId })) === 200, { deadlineMs: 10_000 });
  expect((await all.inject('DELETE', `/api/history/c1/${runId}`)).statusCode).toBe(200);
  expect(await status('c1', { conversationId: 'h', messageId: runId })).toBe(404);
  // What was taken along stays.
  expect((await all.history('g')).at(-1)).toMatchObject({ messageId: runId, status: 'cancelled' });
});
