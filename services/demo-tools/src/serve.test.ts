import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { serveDemoTools } from './serve.ts';

const start = async () => {
  const dir = await mkdtemp(join(tmpdir(), 'runnel-tools-'));
  const served = await serveDemoTools({ dir, now: () => new Date(Date.UTC(2026, 0, 1)) });
  onTestFinished(async () => {
    await served.close();
    await rm(dir, { recursive: true, force: true });
  });
  const post = async (body: object, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(served.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...body }),
    });
  const call = async (name: string, input: object, meta: object = {}): Promise<string> =>
    (await post({ method: 'tools/call', params: { name, arguments: input, _meta: meta } })).text();
  return { dir, post, call };
};

test('five tools; those that change something say so', async () => {
  const { post } = await start();
  const answer = await (await post({ method: 'tools/list', params: {} })).text();
  const { result } = JSON.parse(/\{"(?:jsonrpc|result)".*\}/.exec(answer)![0]) as {
    result: { tools: { name: string; annotations: { readOnlyHint: boolean } }[] };
  };
  expect(result.tools.map(({ name, annotations }) => [name, annotations.readOnlyHint])).toEqual([
    ['clock', true],
    ['calculator', true],
    ['counter', false],
    ['post_note', false],
    ['guest_book', false],
  ]);
});

test('the counter has a line for each call, with what tells it apart', async () => {
  const { dir, call } = await start();
  expect(await call('counter', { label: 'a' }, { 'runnel/idempotencyKey': 'r:p', 'runnel/attempt': 1 })).toContain('"text":"1"');
  expect(await call('counter', {})).toContain('"text":"2"');
  const lines = (await readFile(join(dir, 'counter.ndjson'), 'utf8')).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([{ label: 'a', key: 'r:p', attempt: 1 }, { label: '' }]);
});

test('clock and calculator answer, and say what they cannot', async () => {
  const { call } = await start();
  expect(await call('clock', { timeZone: 'Asia/Ho_Chi_Minh' })).toContain('2026-01-01 07:00:00 Asia/Ho_Chi_Minh');
  expect(await call('clock', { timeZone: 'Nowhere' })).toContain('"isError":true');
  expect(await call('calculator', { a: 6, operator: '*', b: 7 })).toContain('"text":"42"');
  expect(await call('calculator', { a: 1, operator: '/', b: 0 })).toContain('"isError":true');
});

test('a page of a browser gets nothing, by whatever name it came', async () => {
  const { post } = await start();
  expect((await post({ method: 'tools/list' }, { origin: 'http://localhost:8080' })).status).toBe(403);
});
