import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { newId } from '@runnel/protocol';
import { startGateway } from '../testing/test-gateway.ts';
import { PNG, uploadFile } from '../testing/files/upload.ts';
import type { ModelInfo } from '@runnel/protocol/http';

const MODELS: ModelInfo[] = [
  { id: 'blind', name: 'Blind', provider: 'demo', canContinue: true, default: true },
  { id: 'sees', name: 'Sees', provider: 'demo', canContinue: true, vision: true },
  { id: 'small', name: 'Small', provider: 'demo', canContinue: true, contextTokens: 300, promptTokens: 100 },
];
const models = {
  resolve: async (wanted: string | undefined) => wanted ?? 'blind',
  find: (id: string) => MODELS.find((model) => model.id === id),
  list: async () => MODELS,
  close: () => {},
};

const start = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-prompt-files-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const gateway = await startGateway({ env: { FILES_URL: `file:${folder}` }, models: models as never });
  onTestFinished(() => gateway.close());
  const client = await gateway.connect();
  const used = async (fileId: string): Promise<boolean> => (await readdir(join(folder, 'files', fileId))).includes('used');
  const ask = (files: string[], change: { model?: string; conversationId?: string; messageId?: string; text?: string } = {}) =>
    client.ask({ type: 'prompt', conversationId: newId(), messageId: newId(), text: 'what is this?', files, ...change });
  return { gateway, client, used, ask, url: gateway.url };
};

test('the files of a prompt are shown with its message in their order, and stay', async () => {
  const { gateway, client, ask, used, url } = await start();
  const fileIds = [
    await uploadFile(url, Buffer.from('a;b\n1;2'), { name: 'Bảng.csv', type: 'text/csv' }),
    await uploadFile(url, PNG, { name: 'a.png' }),
  ];
  expect(await used(fileIds[0]!)).toBe(false);
  const conversationId = newId();
  await client.ask({ type: 'follow', conversationId });
  expect(await ask(fileIds, { conversationId, model: 'sees' })).toMatchObject({ type: 'ok' });
  const { message } = await client.next('message');
  expect(message.parts).toMatchObject([
    { index: 0, at: 0, kind: 'file', state: 'done', fileId: fileIds[0], name: 'Bảng.csv', mediaType: 'text/csv', bytes: 7, tokens: 2 },
    { index: 1, at: 0, kind: 'file', state: 'done', fileId: fileIds[1], name: 'a.png', mediaType: 'image/png' },
  ]);
  expect(await Promise.all(fileIds.map(used))).toEqual([true, true]);
  const state = await gateway.runLog.readState({ conversationId });
  expect(state).toMatchObject({ messages: [{ parts: message.parts }] });
});

test('the same over HTTP', async () => {
  const { gateway, url } = await start();
  const files = [await uploadFile(url, PNG, { name: 'a.png' })];
  const conversationId = newId();
  const body = { conversationId, messageId: newId(), text: 'look', files, model: 'sees' };
  const answer = await fetch(`${url}/api/chat?user_id=ann`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(202);
  expect(await gateway.runLog.readState({ conversationId })).toMatchObject({ messages: [{ parts: [{ fileId: files[0] }] }] });
});

test('a file that is unknown, unfinished, deleted or somebody else’s is not found, and nothing is begun', async () => {
  const { gateway, ask, used, url } = await start();
  const mine = await uploadFile(url, Buffer.from('mine'));
  const theirs = await uploadFile(url, Buffer.from('theirs'), { user: 'bob' });
  const made = await fetch(`${url}/api/files?user_id=ann`, { method: 'POST', headers: { 'tus-resumable': '1.0.0', 'upload-length': '9' } });
  const unfinished = made.headers.get('location')!.split('/').at(-1)!;
  for (const fileId of [theirs, unfinished, newId()]) {
    const conversationId = newId();
    expect(await ask([mine, fileId], { conversationId })).toMatchObject({ type: 'error', code: 'not-found', retryable: false });
    expect(await gateway.runLog.readState({ conversationId })).toEqual({ kind: 'none' });
  }
  expect([await used(mine), await used(theirs)]).toEqual([false, false]);
});

test('more than ten files, and ids that are none, are bad-frame', async () => {
  const { ask } = await start();
  expect(await ask(Array.from({ length: 11 }, newId))).toMatchObject({ code: 'bad-frame' });
  expect(await ask(['../../etc/passwd'])).toMatchObject({ code: 'bad-frame' });
});

test('W-6 files do not stand for a text', async () => {
  const { ask, url } = await start();
  expect(await ask([await uploadFile(url, Buffer.from('x'))], { text: ' ' })).toMatchObject({ code: 'empty' });
});

test('W-4 a prompt that is sent again is answered as it was, also when its file is deleted meanwhile; the part stays', async () => {
  const { gateway, ask, url } = await start();
  const fileId = await uploadFile(url, Buffer.from('text'));
  const ids = { conversationId: newId(), messageId: newId() };
  const first = await ask([fileId], ids);
  expect(first).toMatchObject({ type: 'ok', duplicate: false });
  const gone = await fetch(`${url}/api/files/${fileId}?user_id=ann`, { method: 'DELETE', headers: { 'tus-resumable': '1.0.0' } });
  expect(gone.status).toBe(204);
  const { runId } = first as { runId?: string };
  expect(await ask([fileId], ids)).toMatchObject({ type: 'ok', duplicate: true, runId });
  expect(await gateway.runLog.readState(ids)).toMatchObject({ messages: [{ parts: [{ fileId }] }] });
});

test('a model that cannot take a file is not asked: a picture it does not see, more text than it reads, what nothing can be read from', async () => {
  const { ask, url } = await start();
  const picture = await uploadFile(url, PNG, { name: 'a.png' });
  const long = await uploadFile(url, Buffer.alloc(401, 'a'));
  expect(await ask([picture])).toMatchObject({ code: 'model-unfit', message: expect.stringContaining('pictures') as string });
  expect(await ask([long], { model: 'small' })).toMatchObject({ code: 'model-unfit', message: expect.stringContaining('read') as string });
  // The conversation's own model can.
  const conversationId = newId();
  const first = await ask([picture], { conversationId, model: 'sees' });
  expect(first).toMatchObject({ type: 'ok' });
  expect(await ask([long])).toMatchObject({ type: 'ok' });
});
