import { createMemoryRunLog } from '@runnel/coordination';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { requestIds } from './ids.ts';

const ask = (key: string | undefined, userId = 'ann', runLog = createMemoryRunLog(), body: object = { messages: [] }) =>
  requestIds({ headers: key === undefined ? {} : { 'idempotency-key': key }, userId, body, isListed: false }, runLog);

test('S-2 the ids of an Idempotency-Key are the same on every gateway and for nobody without the secret', async () => {
  const log = createMemoryRunLog();
  const ids = await ask('order-1', 'ann', log);
  expect(await ask('order-1', 'ann', log)).toEqual(ids);
  const others = [ask('order-2', 'ann', log), ask('order-1', 'bob', log), ask('order-1', 'ann')];
  const all = [ids, ...(await Promise.all(others))].flatMap(({ conversationId, messageId, runId }) => [conversationId, messageId, runId]);
  expect(new Set(all).size).toBe(12);
});

test('without a key nothing is asked of the store, and nothing repeats', async () => {
  const none = { sharedSecret: () => Promise.reject(new Error('asked')) } as never;
  const [one, two] = [await ask(undefined, 'ann', none), await ask(undefined, 'ann', none)];
  expect(one.runId).not.toBe(two.runId);
});

test('the message is of the body, however its fields are ordered and its answer is sent; the run is of the key alone', async () => {
  const log = createMemoryRunLog();
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), fc.boolean(), async (body, stream) => {
      const first = await ask('k', 'ann', log, body);
      const turned = Object.fromEntries(Object.entries(body).toReversed());
      expect(await ask('k', 'ann', log, { ...turned, stream, stream_options: { include_usage: true } })).toEqual(
        await ask('k', 'ann', log, { ...body, stream: null }),
      );
      const other = await ask('k', 'ann', log, { ...body, another: 1 });
      expect([other.runId, other.conversationId]).toEqual([first.runId, first.conversationId]);
      if (!('another' in body)) expect(other.messageId).not.toBe(first.messageId);
    }),
    { numRuns: 50 },
  );
});
