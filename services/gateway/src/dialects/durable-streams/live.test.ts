import { afterEach, expect, test, vi } from 'vitest';
import { waitFor } from '@runnel/kit';
import type { LogEvent } from '@runnel/protocol';
import { startGateway, type TestGateway } from '../../../testing/test-gateway.ts';

afterEach(() => vi.restoreAllMocks());

const begun = async () => {
  const gateway = await startGateway();
  await fetch(`${gateway.url}/api/chat?user_id=ann`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ conversationId: 'c1', messageId: 'm1', runId: 'r1', text: 'Hello' }),
  });
  await waitFor(() => gateway.owner.runs.includes('r1'));
  return gateway;
};

const get = (gateway: TestGateway, query = '', init?: RequestInit): Promise<Response> =>
  fetch(`${gateway.url}/api/streams/c1?user_id=ann${query}`, init);
const nextOf = ({ headers }: Response): string => headers.get('stream-next-offset')!;
const openStreams = (gateway: TestGateway) => gateway.metric('runnel_gateway_dialect_streams');

/** Ends a wait of so long as if it were over: what is set for it, and nothing else of the process. */
const timers = () => {
  const set = vi.spyOn(globalThis, 'setTimeout');
  return (between: readonly [number, number]): boolean => {
    const call = set.mock.calls.findLast(([, ms = 0]) => ms >= between[0] && ms <= between[1]);
    if (call) (call[0] as () => void)();
    return call !== undefined;
  };
};

interface Frame {
  event: string;
  data: unknown;
}
const framesOf = (text: string): Frame[] =>
  [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, event, data]) => ({ event: event!, data: JSON.parse(data!) as unknown }));

test('a long poll in which nothing comes is 204 within 30 s, with where it is and a cursor', async () => {
  await using gateway = await begun();
  const next = nextOf(await get(gateway));
  const pass = timers();
  const poll = get(gateway, `&offset=${next}&live=long-poll`);
  await waitFor(() => pass([20_000, 30_000]));
  const { status, headers } = await poll;
  expect([status, headers.get('stream-next-offset'), headers.get('stream-up-to-date')]).toEqual([204, next, 'true']);
  expect(headers.get('stream-cursor')).toMatch(/^\d+$/);
  expect([headers.get('cache-control'), headers.has('stream-closed')]).toEqual(['private', false]);
  const now = get(gateway, `&offset=now&live=long-poll&cursor=${headers.get('stream-cursor')}`);
  await waitFor(async () => (await openStreams(gateway)) === 1);
  await gateway.owner.say('r1', 'one');
  const answer = await now;
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
  expect(Number(answer.headers.get('stream-cursor'))).toBeGreaterThan(Number(headers.get('stream-cursor')));
  expect(await answer.json()).toMatchObject([{ type: 'chunk', text: 'one' }]);
});

test('an event stream has arrays of items, each with where it ends, and is closed after a minute; the run goes on', async () => {
  await using gateway = await begun();
  const pass = timers();
  const feed = await get(gateway, '&offset=-1&live=sse');
  expect([feed.status, feed.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/event-stream')]);
  await waitFor(async () => (await openStreams(gateway)) === 1);
  await gateway.owner.say('r1', 'one');
  await waitFor(() => pass([55_000, 65_000]));
  const frames = framesOf(await feed.text());
  expect(frames.map(({ event }) => event)).toEqual(frames.map((_, index) => (index % 2 === 0 ? 'data' : 'control')));
  const items = frames.flatMap(({ event, data }) => (event === 'data' ? (data as LogEvent[]) : []));
  expect(items.map(({ offset }) => offset)).toEqual(items.map((_, index) => index + 1));
  for (const { event, data } of frames)
    if (event === 'control')
      expect(data).toEqual({
        streamNextOffset: expect.stringMatching(/^[A-Za-z0-9_-]+_\d{16}$/),
        streamCursor: expect.stringMatching(/^\d+$/),
        upToDate: true,
      });
  const { streamNextOffset } = frames.at(-1)!.data as { streamNextOffset: string };
  expect(await gateway.owner.say('r1', ' two')).toBe('appended');
  const rest = await get(gateway, `&offset=${streamNextOffset}`);
  expect(await rest.json()).toMatchObject([{ type: 'chunk', text: ' two' }]);
});

test('HEAD says where a stream ends, and what is not there or somebody else’s as GET does', async () => {
  await using gateway = await begun();
  const whole = await get(gateway);
  const head = await get(gateway, '', { method: 'HEAD' });
  expect([head.status, nextOf(head), head.headers.get('stream-up-to-date')]).toEqual([200, nextOf(whole), 'true']);
  const statusOf = async (path: string, user: string) =>
    (await fetch(`${gateway.url}/api/streams/${path}?user_id=${user}`, { method: 'HEAD' })).status;
  expect([await statusOf('nowhere', 'ann'), await statusOf('c1', 'bob'), await statusOf('a%20b', 'ann')]).toEqual([404, 403, 400]);
});

test.each(['&offset=', '&live=socket', '&offset=-1&live=', '&offset=1', '&offset=NOW', '&offset=-1,now'])(
  '%s is no question',
  async (query) => {
    await using gateway = await begun();
    const { status, headers } = await get(gateway, query);
    expect([status, headers.get('content-type')]).toEqual([400, expect.stringContaining('application/problem+json')]);
  },
);

test('one answer brings everything, of a log and of its rest, however much it is', async () => {
  await using gateway = await begun();
  const first = nextOf(await get(gateway));
  for (let n = 0; n < 400; n++) await gateway.owner.say('r1', `${'x'.repeat(500)} `);
  await gateway.owner.end('r1');
  const whole = await get(gateway);
  const rest = await get(gateway, `&offset=${first}`);
  for (const answer of [whole, rest]) {
    expect(answer.headers.get('stream-up-to-date')).toBe('true');
    const items = (await answer.json()) as LogEvent[];
    expect(items.at(-1)!.type).toBe('run-ended');
    expect(nextOf(answer)).toMatch(new RegExp(`_0*${items.at(-1)!.offset}$`));
  }
});
