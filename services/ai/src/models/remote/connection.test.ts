import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import type { ModelEntry } from '@runnel/protocol/http';
import { expect, onTestFinished, test } from 'vitest';
import { ask, textOf } from '../../../testing/streams.ts';
import { chunkOf, DONE, sse, startModelServer } from '../../../testing/model-server.ts';
import { createModelRegistry } from '../registry.ts';

const answering = () => startModelServer((response) => sse(response).end(chunkOf('ok') + chunkOf(null, 'stop') + DONE));
const modelOf = (entry: Partial<ModelEntry>, env: Record<string, string> = {}) => {
  const models = createModelRegistry([{ id: 'm', provider: 'openai-compatible', ...entry }], { env });
  onTestFinished(() => models.close());
  return models.get('m')!.provider;
};

test('headers, those of the environment, query and extra body reach the provider; an own key wins over none', async () => {
  await using server = await answering();
  const entry = {
    baseURL: `${server.url}/?api-version=1`,
    headers: { 'X-Title': 'Runnel' },
    headersEnv: { 'api-key': 'AZURE_KEY' },
    query: { 'api-version': '2026-01-01', q: 'a b' },
    body: { reasoning_effort: 'low', temperature: 1 },
    ...{ temperature: 0.2, topP: 0.9, seed: 7, stop: ['END'], presencePenalty: 0.5, frequencyPenalty: -1, maxOutputTokens: 9 },
    maxTokensField: 'max_completion_tokens' as const,
  };
  expect(await textOf(modelOf(entry, { AZURE_KEY: 'k1' }), ask('hi'))).toBe('ok');
  const [head] = server.heads;
  expect(head!.headers).toMatchObject({ 'x-title': 'Runnel', 'api-key': 'k1', 'content-type': 'application/json' });
  expect(head!.headers).not.toHaveProperty('authorization');
  expect(head!.url).toBe('/v1/chat/completions?api-version=2026-01-01&q=a+b');
  const { messages: _messages, stream_options: _options, ...body } = server.requests[0]!;
  expect(body).toEqual({
    ...{ model: 'test', stream: true, temperature: 1, top_p: 0.9, seed: 7, stop: ['END'], presence_penalty: 0.5, frequency_penalty: -1 },
    ...{ max_completion_tokens: 9, reasoning_effort: 'low' },
  });
});

test('a header that stands in a file is sent as it is now, and is never told in what goes wrong', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'runnel-header-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const file = join(dir, 'header');
  await writeFile(file, 'h-first\n');
  await using server = await answering();
  const provider = modelOf({ baseURL: server.url, headersFile: { 'X-Api-Key': file }, headers: { 'x-api-key': 'plain' } });
  await textOf(provider, ask('hi'));
  await writeFile(file, 'h-second');
  await textOf(provider, ask('hi'));
  expect(server.heads.map(({ headers }) => headers['x-api-key'])).toEqual(['h-first', 'h-second']);
  await using refusing = await startModelServer((response) => response.writeHead(401).end('{"error":{"message":"wrong: h-second"}}'));
  const refused = modelOf({ baseURL: refusing.url, headersFile: { 'X-Api-Key': file } });
  const error = await textOf(refused, ask('hi')).catch((thrown: Error) => thrown);
  expect(JSON.stringify([error, (error as Error).message, String((error as Error).cause)])).not.toContain('h-second');
});

test('a key that stands in a file may change, and is away for a moment while it does', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'runnel-key-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const file = join(dir, 'key');
  await writeFile(file, 'first\n');
  await using server = await answering();
  const provider = modelOf({ baseURL: server.url, apiKeyFile: file });
  await textOf(provider, ask('hi'));
  await writeFile(file, 'second');
  await textOf(provider, ask('hi'));
  expect(server.heads.map(({ headers }) => headers.authorization)).toEqual(['Bearer first', 'Bearer second']);
  await rm(file);
  await expect(textOf(provider, ask('hi'))).rejects.toMatchObject({ code: 'model-failed', message: expect.stringContaining('key') });
});

test('a model behind a proxy is asked through it', async () => {
  const asked: string[] = [];
  // A plain address is asked for whole; one over TLS would be a tunnel (`CONNECT`), which is undici's to make.
  const proxy = createServer((request, response) => {
    asked.push(request.url ?? '');
    const onward = httpRequest(request.url ?? '', { method: 'POST', headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  await using server = await answering();
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  expect(await textOf(modelOf({ baseURL: server.url, proxyEnv: 'HTTPS_PROXY' }, { HTTPS_PROXY: address }), ask('hi'))).toBe('ok');
  expect(asked).toEqual([`${server.url}/chat/completions`]);
});
