import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Message } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { newFolder, startAll, type Standalone } from '../testing/start-all.ts';

const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

const upload = async ({ inject }: Standalone, name: string, body: Buffer): Promise<string> => {
  const made = await inject('POST', '/api/files', {
    headers: {
      'tus-resumable': '1.0.0',
      'content-type': 'application/offset+octet-stream',
      'upload-length': String(body.length),
      'upload-metadata': `filename ${Buffer.from(name).toString('base64')}`,
    },
    payload: body,
  });
  expect(made.statusCode).toBe(201);
  return String(made.headers['location']).split('/').at(-1)!;
};

/** The last message of a conversation whose answer has ended. */
const ask = async (all: Standalone, conversationId: string, text: string, files: string[], model = 'count'): Promise<Message[]> => {
  await all.ask({ conversationId, messageId: randomUUID(), text, files, model });
  return all.history(conversationId);
};

test('a question with files is answered by what is in them, and is whole again after a restart', async () => {
  const dir = await newFolder();
  const first = await startAll(dir);
  const files = [await upload(first, 'số.csv', Buffer.from('một;hai\n1;2')), await upload(first, 'a.png', PNG)];
  const [question, answer] = await ask(first, 'c1', 'what are these?', files);
  expect(answer!.text).toContain('2 files came with it');
  expect(answer!.text).toContain('**số.csv** (text/plain, 13 B): text, 2 lines; it begins: một;hai 1;2');
  expect(answer!.text).toContain('**a.png** (image/png');
  expect(question!.parts).toMatchObject([
    { name: 'số.csv', fileId: files[0] },
    { name: 'a.png', fileId: files[1] },
  ]);
  await first.close();

  const second = await startAll(dir);
  const [again] = await second.history('c1');
  expect(again!.parts).toEqual(question!.parts);
  // The next question brings the conversation back into the log; deleted meanwhile, the file is gone and its part stays.
  expect((await second.inject('DELETE', `/api/files/${files[0]}`, { headers: { 'tus-resumable': '1.0.0' } })).statusCode).toBe(204);
  // The audit in the same process said that nothing holds it.
  expect((await readdir(join(dir, 'files'), { recursive: true })).filter((path) => path.includes(files[0]!))).toEqual([]);
  const thread = await ask(second, 'c1', 'count 2 at 500', []);
  expect(thread.at(-1)!.text).toBe('w000001 w000002');
  expect(thread[0]!.parts).toEqual(question!.parts);
});

test('what is deleted of a conversation has no files in the database either', async () => {
  const dir = await newFolder();
  const first = await startAll(dir);
  const [question] = await ask(first, 'c1', 'look', [await upload(first, 'a.png', PNG)]);
  expect((await first.inject('DELETE', `/api/history/c1/${question!.messageId}`)).statusCode).toBe(200);
  await first.close();
  const second = await startAll(dir);
  const [deleted] = await second.history('c1');
  expect(deleted).toMatchObject({ status: 'deleted', text: '' });
  expect(deleted).not.toHaveProperty('parts');
});
