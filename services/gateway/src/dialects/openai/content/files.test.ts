import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI, { type APIError } from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { startGateway } from '../../../../testing/test-gateway.ts';
import { hugePng } from '../../../../testing/files/huge-png.ts';
import { MODEL, scriptPod, type ScriptRun } from '../../../../testing/http/script-pod.ts';
import { PNG } from '../../../../testing/files/upload.ts';

const greet = async (run: ScriptRun): Promise<void> => {
  await run.say('Well.');
  await run.end();
};

const start = async (env: Record<string, string> = {}, { vision = true }: { vision?: boolean } = {}) => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-v1-files-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const runLog = createMemoryRunLog();
  const pod = scriptPod(runLog, greet, { vision });
  const settings = { FILES_URL: `file:${folder}`, RATE_LIMIT_PER_MINUTE: '1000', ...env };
  const gateway = await startGateway({ env: settings, runLog, dispatcher: pod, models: pod.models });
  onTestFinished(() => gateway.close());
  const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'sk-test', maxRetries: 0 });
  const chat = (content: object[], options: object = {}, more: object[] = []) =>
    client.chat.completions.create({ model: MODEL, messages: [...more, { role: 'user', content }] as never }, options);
  const refused = (content: object[]) => chat(content).catch((error: unknown) => error as APIError);
  const kept = (): Promise<string[]> => readdir(join(folder, 'files')).catch(() => []);
  const used = async (): Promise<number> => {
    const of = (id: string): Promise<string[]> => readdir(join(folder, 'files', id));
    return (await Promise.all((await kept()).map(of))).filter((names) => names.includes('used')).length;
  };
  return { gateway, pod, client, chat, refused, kept, used };
};

const dataUrl = (bytes: Buffer, type: string): string => `data:${type};base64,${bytes.toString('base64')}`;
const image = (bytes: Buffer = PNG, type = 'image/png') => ({ type: 'image_url', image_url: { url: dataUrl(bytes, type) } });
const file = (bytes: Buffer, filename = 'a.csv', type = 'text/csv') => ({
  type: 'file',
  file: { file_data: dataUrl(bytes, type), filename },
});
const text = (words: string) => ({ type: 'text', text: words });

test('images and files are parts of the prompt, as its conversation shows it', async () => {
  const { pod, chat } = await start();
  await chat([text('What?'), image(), file(Buffer.from('a;b'))]);
  const [message] = pod.runs[0]!.messages;
  expect(message).toMatchObject({ role: 'user', text: 'What?' });
  expect(message!.parts).toMatchObject([
    { index: 0, at: 0, kind: 'file', state: 'done', name: 'image-1.png', mediaType: 'image/png', width: 1, height: 1 },
    { index: 1, at: 0, kind: 'file', state: 'done', name: 'a.csv', mediaType: 'text/csv', bytes: 3, tokens: 1 },
  ]);
  expect(pod.runs[0]!.request).toEqual({});
});

test('Responses: the same, and `input_items` names them', async () => {
  const { pod, client } = await start();
  const content = [
    { type: 'input_image' as const, image_url: dataUrl(PNG, 'image/png'), detail: 'low' as const },
    { type: 'input_file' as const, file_data: dataUrl(Buffer.from('a;b'), 'text/csv'), filename: 'a.csv' },
    { type: 'input_text' as const, text: 'What?' },
  ];
  const { id } = await client.responses.create({ model: MODEL, input: [{ role: 'user', content }] });
  const { parts = [] } = pod.runs[0]!.messages[0]!;
  expect(parts).toMatchObject([{ mediaType: 'image/png' }, { name: 'a.csv' }]);
  expect(pod.runs[0]!.request).toEqual({ details: { [parts[0]!.fileId!]: 'low' } });
  const { data } = await client.responses.inputItems.list(id);
  expect(data).toMatchObject([
    {
      content: [
        { type: 'input_image', file_id: parts[0]!.fileId },
        { type: 'input_file', file_id: parts[1]!.fileId, filename: 'a.csv' },
        { type: 'input_text', text: 'What?' },
      ],
    },
  ]);
});

test('a picture may come without a word', async () => {
  const { pod, chat } = await start();
  await chat([image()]);
  expect(pod.runs[0]!.messages).toMatchObject([{ text: '', parts: [{ mediaType: 'image/png' }] }]);
});

test('the same file is kept once, however often it is sent; it goes in a day unless its conversation is listed', async () => {
  const { chat, kept, used, pod } = await start();
  for (const _ of [1, 2, 3]) await chat([text('What?'), image()]);
  expect([(await kept()).length, await used()]).toEqual([1, 0]);
  await chat([text('What?'), image()], { headers: { 'x-runnel-conversation': 'mine' } });
  expect([(await kept()).length, await used()]).toEqual([1, 1]);
  expect(new Set(pod.runs.map(({ messages }) => messages[0]!.parts![0]!.fileId)).size).toBe(1);
});

test('files of earlier turns are kept as well, the newest twenty, and named in the thread', async () => {
  const { chat, pod, kept } = await start();
  const earlier = (n: number) => ({ role: 'user', content: [file(Buffer.from(`${n}`), `${n}.txt`, 'text/plain')] });
  await chat(
    [text('And now?')],
    {},
    Array.from({ length: 25 }, (_, n) => earlier(n)),
  );
  expect((await kept()).length).toBe(20);
  const { turns } = pod.runs[0]!.request!.thread!;
  expect(turns.slice(0, 6)).toMatchObject([
    ...[0, 1, 2, 3, 4].map((n) => ({ content: `[${n}.txt, 1 KiB]` })),
    { files: [{ name: '5.txt', mediaType: 'text/plain' }] },
  ]);
  expect(pod.runs[0]!.messages.at(-1)).toMatchObject({ text: 'And now?' });
});

test('an Idempotency-Key joins the run of the first try, files or not', async () => {
  const { chat, pod, kept } = await start();
  const options = { headers: { 'Idempotency-Key': 'once' } };
  const first = await chat([text('What?'), image()], options);
  expect((await chat([text('What?'), image()], options)).id).toBe(first.id);
  await expect(chat([text('What?'), image(), file(Buffer.from('x'))], options)).rejects.toMatchObject({ status: 422 });
  // Of a question that is refused no file is kept.
  expect([pod.runs.length, (await kept()).length]).toEqual([1, 1]);
});

const SVG = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>');
const at = (index: number, field: string): string => `messages[0].content[${index}].${field}`;
test.each([
  [
    'no base64',
    [image(), { type: 'image_url', image_url: { url: 'data:image/png;base64,?' } }],
    400,
    'invalid_base64',
    at(1, 'image_url.url'),
  ],
  ['an address', [{ type: 'image_url', image_url: { url: 'https://x/y.png' } }], 400, 'invalid_value', at(0, 'image_url.url')],
  ['what is too large', [file(Buffer.alloc(2_001, 'a'))], 413, 'too_large', at(0, 'file.file_data')],
  ['a program', [file(Buffer.from('\x7FELF\0\0'))], 415, 'unsupported_type', at(0, 'file.file_data')],
  ['text as a picture', [image(Buffer.from('words'))], 415, 'unsupported_type', at(0, 'image_url.url')],
  ['a vector graphic as a picture', [image(SVG, 'image/svg+xml')], 415, 'unsupported_type', at(0, 'image_url.url')],
  ['a bomb', [image(hugePng(100_000, 100_000))], 415, 'unsupported_type', at(0, 'image_url.url')],
  ['half a picture', [image(PNG.subarray(0, 40))], 415, 'unsupported_type', at(0, 'image_url.url')],
  ['eleven files', Array.from({ length: 11 }, () => image()), 400, 'too_many_files', at(10, 'image_url.url')],
])('refused by name, and nothing is begun: %s', async (_, content, status, code, param) => {
  const { refused, pod } = await start({ FILE_MAX_BYTES: '2000' });
  expect(await refused([text('What?')].concat(content as never).slice(1))).toMatchObject({
    status,
    code,
    param,
    type: 'invalid_request_error',
  });
  expect(pod.runs).toEqual([]);
});

test('a person’s room is that of all their files', async () => {
  const { refused, chat } = await start({ FILES_MAX_COUNT: '1' });
  await chat([text('What?'), image()]);
  await chat([text('What?'), image()]);
  expect(await refused([file(Buffer.from('x'))])).toMatchObject({ status: 413, code: 'quota', param: at(0, 'file.file_data') });
});

test('a model that sees nothing is not asked about a picture, and nothing is kept; documents it reads', async () => {
  const { refused, chat, kept } = await start({}, { vision: false });
  expect(await refused([image()])).toMatchObject({ status: 400, code: 'model_unfit', param: at(0, 'image_url.url') });
  expect(await kept()).toEqual([]);
  await chat([text('What?'), file(Buffer.from('x'))]);
});

test('where no files are kept they are refused by name', async () => {
  const { refused } = await start({ FILES_URL: 'none' });
  expect(await refused([image()])).toMatchObject({ status: 400, param: at(0, 'image_url.url') });
});

test('eighteen MiB fit, twenty-four are refused; words have four', async () => {
  const { chat, refused, pod } = await start({ FILE_MAX_BYTES: '100000000' });
  await chat([text('What?'), file(Buffer.alloc(17 * 1024 * 1024, 'a'))]);
  expect(pod.runs).toHaveLength(1);
  expect(await refused([file(Buffer.alloc(19 * 1024 * 1024, 'a'))])).toMatchObject({ status: 413, code: 'too_large' });
  expect(await refused([text('a'.repeat(4_300_000))])).toMatchObject({ status: 413, code: 'too_large' });
});

test('bodies count as long as their files are looked at, and not while their answers are written', async () => {
  const { gateway, pod, client } = await start();
  const content = [text('What?'), file(Buffer.alloc(13 * 1024 * 1024, 'a'))] as never;
  const ask = async (apiKey: string) => {
    const body = { model: MODEL, messages: [{ role: 'user' as const, content }], stream: true as const };
    const stream = await client.withOptions({ apiKey }).chat.completions.create(body);
    for await (const _ of stream);
  };
  // Each of them alone is more than half of what a person may have under way.
  for (const key of ['a', 'a', 'b', 'a']) await ask(key);
  expect(pod.runs).toHaveLength(4);
  expect(await gateway.metric('runnel_gateway_uploads_total')).toBe(4);
});
