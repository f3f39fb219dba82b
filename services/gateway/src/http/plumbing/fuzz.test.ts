import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { startGateway } from '../../../testing/test-gateway.ts';
import { MODEL, scriptPod } from '../../../testing/http/script-pod.ts';

const PATHS = ['/api/chat', '/api/regenerate', '/api/cancel', '/v1/chat/completions'];
const READS = ['/api/history/', '/api/conversations/', '/v1/models/', '/', '/api/', '/api/docs/'];

/** JSON near to what a command looks like: right names with wrong values, and wrong names. */
const near = fc.record(
  {
    conversationId: fc.oneof({ weight: 3, arbitrary: fc.uuid() }, fc.string(), fc.anything()),
    messageId: fc.oneof({ weight: 3, arbitrary: fc.uuid() }, fc.string(), fc.anything()),
    runId: fc.oneof(fc.uuid(), fc.anything()),
    parentId: fc.oneof(fc.constant(null), fc.uuid(), fc.anything()),
    text: fc.oneof(
      { weight: 3, arbitrary: fc.string({ unit: 'binary' }) },
      fc.string({ minLength: 4_900, maxLength: 5_100 }),
      fc.anything(),
    ),
    model: fc.oneof(fc.string(), fc.anything()),
    title: fc.anything(),
    messages: fc.oneof(
      fc.array(
        fc.record({
          role: fc.constantFrom('user', 'system', 'assistant', 'tool', '__proto__'),
          content: fc.oneof(fc.string(), fc.anything()),
        }),
      ),
      fc.anything(),
    ),
    n: fc.anything(),
    tools: fc.anything(),
    stream_options: fc.anything(),
  },
  { requiredKeys: [] },
);

const text = (value: unknown): string => {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    // A BigInt or a cycle: what its text would be does not matter, broken JSON is as good.
    return String(Object.prototype.toString.call(value));
  }
};

/** A status the caller caused; 503 is `overloaded`, which a full node may say. */
const isHarmless = (status: number): boolean => status < 500 || status === 503;

test('P-8 no body makes a command break', async () => {
  const runLog = createMemoryRunLog();
  // Whatever is taken for a prompt is answered, or a completion would wait for it.
  const dispatcher = scriptPod(runLog, (run) => run.end());
  const models = { ...dispatcher.models, resolve: async () => MODEL };
  await using gateway = await startGateway({ env: { RATE_LIMIT_PER_MINUTE: '100000' }, runLog, dispatcher, models });
  const body = fc.oneof({ weight: 6, arbitrary: near.map(text) }, fc.json(), fc.string({ unit: 'binary' }));
  const statuses = new Set<number>();
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...PATHS), body, async (url, payload) => {
      const headers = { 'content-type': 'application/json' };
      const response = await gateway.app.inject({ method: 'POST', url: `${url}?user_id=ann`, payload, headers });
      statuses.add(response.statusCode);
      expect([url, response.statusCode, isHarmless(response.statusCode)]).toEqual([url, response.statusCode, true]);
    }),
    // The first is a good one: what follows meets a server that works.
    { numRuns: 300, examples: [['/api/chat', JSON.stringify({ conversationId: 'c', messageId: 'm', text: 'hello' })]] },
  );
  expect([...statuses]).toEqual(expect.arrayContaining([400]));
  expect(statuses).toContain(202);
});

test('P-8 no path, query or header makes a read break', async () => {
  await using gateway = await startGateway();
  const piece = fc.string({ unit: 'binary', maxLength: 40 }).map((part) => encodeURIComponent(part.toWellFormed()));
  const names = ['last-event-id', 'x-runnel-conversation', 'idempotency-key', 'origin', 'accept', 'cookie', 'authorization', 'traceparent'];
  const headers = fc.dictionary(fc.constantFrom(...names), fc.string({ unit: 'grapheme-ascii' }));
  const methods = fc.constantFrom('GET', 'HEAD', 'DELETE', 'PATCH', 'OPTIONS');
  await fc.assert(
    fc.asyncProperty(methods, fc.constantFrom(...READS), piece, piece, headers, async (method, path, name, query, extra) => {
      const url = `${path}${name}?before=${query}&limit=${query}&after=${query}&user_id=${query || 'ann'}`;
      const response = await gateway.app.inject({ method: method as 'GET', url, headers: extra });
      expect([url, response.statusCode, isHarmless(response.statusCode)]).toEqual([url, response.statusCode, true]);
    }),
    { numRuns: 300 },
  );
});

test('P-8 a request that dribbles in is cut: Node takes the shorter of its two limits for the headers, whichever is meant', async () => {
  await using gateway = await startGateway();
  const { headersTimeout, requestTimeout } = gateway.app.server;
  expect([headersTimeout, requestTimeout]).toEqual([10_000, 30_000]);
});
