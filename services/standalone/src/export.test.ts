import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { waitFor } from '@runnel/kit';
import { ExportLine, parseBody } from '@runnel/protocol/http';
import { expect, test } from 'vitest';
import { newFolder, startAll, type Standalone } from '../testing/start-all.ts';

const linesOf = (text: string): ExportLine[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => parseBody(ExportLine, JSON.parse(line)));
const of = <T extends ExportLine['type']>(lines: readonly ExportLine[], type: T) =>
  lines.filter((line): line is Extract<ExportLine, { type: T }> => line.type === type);

const upload = async ({ inject }: Standalone, name: string, payload: Buffer): Promise<string> => {
  const metadata = `filename ${Buffer.from(name).toString('base64')}`;
  const headers = { 'tus-resumable': '1.0.0', 'content-type': 'application/offset+octet-stream' };
  const made = await inject('POST', '/api/files', {
    headers: { ...headers, 'upload-length': String(payload.length), 'upload-metadata': metadata },
    payload,
  });
  expect(made.statusCode).toBe(201);
  return String(made.headers['location']).split('/').at(-1)!;
};
/** Through `/v1`, whose conversations no list shows. */
const complete = async ({ inject }: Standalone, content: string): Promise<void> => {
  const answer = await inject('POST', '/v1/chat/completions', { payload: { model: 'count', messages: [{ role: 'user', content }] } });
  expect(answer.statusCode).toBe(200);
};

test('G-1 what is kept of a person is theirs to take: conversations, also of programs, messages with receipts and parts, files byte for byte, keys by name', async () => {
  const dir = await newFolder();
  const first = await startAll(dir, { ADMIN_USERS: 'root' });
  const large = Buffer.from(randomBytes(60_000).toString('hex'));
  const fileId = await upload(first, 'số.txt', large);
  await first.ask({ conversationId: 'c1', messageId: randomUUID(), text: 'look at this', files: [fileId], model: 'count' });
  await first.ask({ conversationId: 'c1', messageId: randomUUID(), text: 'count 3 at 500', model: 'count' });
  await first.ask({ conversationId: 'c2', messageId: randomUUID(), text: 'count 2 at 500', model: 'count' });
  await complete(first, 'count 4 of a program');
  const key = (await first.inject('POST', '/api/keys', { payload: { name: 'My script', scopes: ['chat'] } })).json<{ key: string }>();
  expect((await first.inject('PATCH', '/api/settings', { payload: { theme: 'dark' } })).statusCode).toBe(200);
  await first.close();

  // After a restart most of it is in the database alone.
  const second = await startAll(dir, { ADMIN_USERS: 'root' });
  const answer = await second.inject('GET', '/api/export');
  expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'private, no-store']);
  expect(answer.headers['content-disposition']).toContain('export.ndjson');
  const lines = linesOf(answer.body);
  expect(lines[0]).toMatchObject({ type: 'export', version: 1, userId: 'ann' });
  expect(lines.at(-1)).toEqual({ type: 'end', conversations: 3, messages: 8, files: 1, keys: 1 });
  const texts = of(lines, 'message').map(({ conversationId, message }) => [conversationId, message.role, message.text]);
  expect(texts.filter(([conversation]) => conversation === 'c1').map(([, role]) => role)).toEqual([
    'user',
    'assistant',
    'user',
    'assistant',
  ]);
  expect(texts.map(([, , text]) => text)).toContain('w000001 w000002 w000003');
  expect(texts.map(([, , text]) => text)).toContain('count 4 of a program');
  expect(of(lines, 'message').some(({ message }) => message.parts?.some(({ kind }) => kind === 'file'))).toBe(true);
  const answers = of(lines, 'message').filter(({ message }) => message.role === 'assistant');
  expect(answers.every(({ message }) => message.receipt !== undefined)).toBe(true);
  const [file] = of(lines, 'file');
  const bytes = Buffer.concat(of(lines, 'file-bytes').map(({ base64 }) => Buffer.from(base64, 'base64')));
  expect([file!.name, file!.bytes, createHash('sha256').update(bytes).digest('hex')]).toEqual(['số.txt', large.length, file!.sha256]);
  expect(bytes.equals(large)).toBe(true);
  expect(of(lines, 'key')).toMatchObject([{ name: 'My script', scopes: ['chat'] }]);
  expect(of(lines, 'record')).toMatchObject([{ fields: { theme: 'dark' } }]);
  expect(answer.body).not.toContain(key.key);

  // Nobody else's, and not by a key.
  const byKey = await second.inject('GET', '/api/export', { headers: { authorization: `Bearer ${key.key}` } });
  expect(byKey.statusCode).toBe(403);
  const url = await second.listen();
  const bobs = linesOf(await (await fetch(`${url}/api/export?user_id=bob`)).text());
  expect(bobs.map(({ type }) => type)).toEqual(['export', 'end']);
  expect((await fetch(`${url}/api/admin/users/ann/export?user_id=bob`)).status).toBe(403);
  const asAdmin = linesOf(await (await fetch(`${url}/api/admin/users/ann/export?user_id=root`)).text());
  // The key has been tried meanwhile.
  const others = (all: readonly ExportLine[]) => all.slice(1).filter(({ type }) => type !== 'key');
  expect(others(asAdmin)).toEqual(others(lines));
  const trail = await (await fetch(`${url}/api/admin/trail?user_id=root&limit=1000`)).text();
  expect(trail).toMatch(/ADMIN_READ[^}]+export/);
});

test('S-17 who is erased leaves nothing behind of what their programs asked either', async () => {
  const all = await startAll(await newFolder(), { ADMIN_USERS: 'root' });
  await all.ask({ conversationId: 'c1', messageId: randomUUID(), text: 'count 2 at 500', model: 'count' });
  await complete(all, 'a secret of a program');
  const url = await all.listen();
  const exported = async () => linesOf(await (await fetch(`${url}/api/admin/users/ann/export?user_id=root`)).text());
  await waitFor(async () => of(await exported(), 'conversation').length === 2, { deadlineMs: 5_000, everyMs: 50 });
  const erase = async () => (await fetch(`${url}/api/admin/users/ann?user_id=root`, { method: 'DELETE' })).json() as Promise<object>;
  expect(await erase()).toEqual({ conversations: 2, forgotten: true });
  expect(await exported()).toMatchObject([{ type: 'export' }, { type: 'end', conversations: 0, messages: 0, files: 0, keys: 0 }]);
});
