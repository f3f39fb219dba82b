import { createInnerToken } from '@runnel/kit';
import type { Message } from '@runnel/protocol';
import { expect, test } from 'vitest';
import type { Claim } from '../run/run-job.ts';
import { createStoredEnds } from './stored-ends.ts';

const run = { conversationId: 'c', runId: 'r' };
const facts = { runId: 'r', parentId: 'm', model: 'count', startedAt: 5 };
const claim: Claim = {
  ...{ outcome: 'claimed', epoch: 2, logId: 'l', text: 'half', parts: [], run: facts, userId: 'ann é', title: 'T', messages: [] },
  ...{ cancelled: null, trace: null, claimedAt: 9, doubt: 'lost' },
};
const row: Message = { messageId: 'r', parentId: 'm', role: 'assistant', text: 'whole', status: 'complete', createdAt: 5 };
const page = (change: Partial<Message> = {}, fields: object = {}) => ({ messages: [{ ...row, ...change }], hasMore: false, ...fields });

/** Fast where nothing hangs: a machine that others use must not be taken for a slow database. */
const asking = async (answer: (init: RequestInit) => Response | Promise<Response>, { patienceMs = 30_000 } = {}) => {
  const requests: { url: string; headers: Headers }[] = [];
  const fetch = async (url: string | URL | Request, init: RequestInit = {}) => {
    requests.push({ url: String(url), headers: new Headers(init.headers) });
    return answer(init);
  };
  const archive = createStoredEnds({
    url: 'http://audit:1/base',
    token: createInnerToken({ given: 'a-token-between-services' }),
    patienceMs,
    fetch,
  });
  return { end: await archive(run, claim), requests };
};

test('B4 the newest page is asked for once, as the owner, and its row is the end', async () => {
  const { end, requests } = await asking(() => Response.json(page({}, { title: 'T' })));
  expect(end).toMatchObject({ ...run, epoch: 2, userId: 'ann é', title: 'T', run: facts, reason: 'complete', text: 'whole', bytes: 5 });
  expect(requests.map(({ url }) => url)).toEqual(['http://audit:1/base/history/c?limit=200&parked=1']);
  const [{ headers }] = requests as [(typeof requests)[0]];
  expect([headers.get('x-runnel-user'), headers.get('authorization')]).toEqual(['ann%20%C3%A9', 'Bearer a-token-between-services']);
});

test.each([
  ['nothing of the run', () => Response.json(page({ messageId: 'other' }))],
  ['one of a conversation that was made again', () => Response.json(page({ createdAt: 6 }))],
  ['a deleted one', () => Response.json(page({ status: 'deleted', text: '' }))],
  ['not known', () => Response.json({}, { status: 404 })],
  ['not known, as 0.1.0 says it', () => new Response('', { status: 404 })],
  ['somebody else’s', () => new Response('', { status: 403 })],
  ['not for who asks', () => new Response('', { status: 401 })],
  ['broken', () => Response.json(page(), { status: 503 })],
  ['of another shape', () => Response.json({ messages: [{ ...row, text: 1 }], hasMore: false })],
  ['no JSON', () => new Response('<html>')],
  ['away', () => Promise.reject(new TypeError('refused'))],
])('P-10 no end, and one request: %s', async (_what, answer) => {
  const { end, requests } = await asking(answer);
  expect([end, requests.length]).toEqual([null, 1]);
});

test.each([
  ['does not answer', () => new Promise<Response>(() => {})],
  ['stops in its answer', () => new Response(new ReadableStream({ start: (body) => body.enqueue(Buffer.from('{"messages":[')) }))],
])('P-10 a database that %s is given up', async (_what, answer) => {
  expect(await asking(answer, { patienceMs: 20 })).toMatchObject({ end: null, requests: { length: 1 } });
});
