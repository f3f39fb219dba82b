import { expect, test } from 'vitest';
import { waitFor } from '@runnel/kit';
import type { AuditClient } from '../../archive/audit-client.ts';
import { startGateway } from '../../../testing/test-gateway.ts';

/** An audit service that knows one answer, of an hour. */
const anHour: AuditClient = {
  call: async () => ({
    status: 200,
    body: {
      conversationId: 'c1',
      startedAt: 1,
      message: { messageId: 'r1', parentId: null, role: 'assistant', text: 'ab', status: 'complete', createdAt: 1 },
      pieces: [
        { ms: 0, at: 0, bytes: 1 },
        { ms: 3_600_000, at: 1, bytes: 1 },
      ],
      markers: [],
    },
  }),
};

test('S-11 a person has three replays at a time, whatever their speed; another person has their own', async () => {
  await using gateway = await startGateway({ audit: anHour, env: { MAX_REPLAYS_PER_USER: '3' } });
  const leave = new AbortController();
  const replay = (user: string, speed = '0.1') =>
    fetch(`${gateway.url}/api/runs/r1/replay?user_id=${user}&speed=${speed}`, { signal: leave.signal });
  expect((await replay('ann', '0.001')).status).toBe(400);
  const first = await Promise.all([replay('ann'), replay('ann'), replay('ann')]);
  expect(first.map(({ status }) => status)).toEqual([200, 200, 200]);
  const fourth = await replay('ann');
  expect(fourth.status).toBe(429);
  expect(fourth.headers.get('retry-after')).toBe('5');
  expect(await fourth.json()).toMatchObject({ code: 'rate-limited', limit: 'replays' });
  expect((await replay('bob')).status).toBe(200);
  leave.abort();
  const again = () => fetch(`${gateway.url}/api/runs/r1/replay?user_id=ann&speed=1000`);
  await waitFor(async () => (await again()).status === 200, { deadlineMs: 5000, what: 'room after the others have left' });
});

test('S-6 S-9 reads of a person at a time are bounded until the response has left', async () => {
  let asked = 0;
  const hanging: AuditClient = { call: () => (asked++, new Promise(() => {})) };
  await using gateway = await startGateway({ audit: hanging, env: { MAX_READS_PER_USER: '3' } });
  const leave = new AbortController();
  const search = (user = 'ann') => fetch(`${gateway.url}/api/search?user_id=${user}&q=x`, { signal: leave.signal }).catch(() => null);
  const held = [search(), search(), search()];
  await waitFor(() => asked === 3);
  const refused = (await search())!;
  expect(refused.status).toBe(429);
  expect(await refused.json()).toMatchObject({ code: 'rate-limited', limit: 'reads' });
  void search('bob');
  await waitFor(() => asked === 4);
  const verify = (user: string) =>
    fetch(`${gateway.url}/api/conversations/c1/verify?user_id=${user}`, { signal: leave.signal }).catch(() => null);
  void verify('ann');
  await waitFor(() => asked === 5);
  expect((await verify('ann'))!.status).toBe(429);
  leave.abort();
  await Promise.all(held);
});
