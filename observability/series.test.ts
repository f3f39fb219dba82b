import type { Metrics } from '@runnel/kit';
import { expect, test } from 'vitest';
import { TestClient } from '../services/gateway/testing/ws-client.ts';
import { startStack } from './testing/stack.ts';

const USERS = 1_000;
const AT_ONCE = 20;

const seriesOf = async (metrics: Metrics): Promise<string[]> =>
  (await metrics.text())
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')));

/** A person who does one of everything: asks, stops, comes back, mistypes. */
const live = async (port: number, name: string): Promise<void> => {
  const client = new TestClient(port, { query: { user_id: name } });
  await client.opened;
  const conversationId = `c-${name}`;
  await client.ask({ type: 'follow', conversationId });
  await client.ask({ type: 'prompt', conversationId, messageId: `m-${name}`, runId: `r-${name}`, model: 'count', text: 'count 3 at 1000' });
  const { offset } = await client.next('run-ended', (event) => event.runId === `r-${name}`);
  await client.ask({ type: 'prompt', conversationId, messageId: `n-${name}`, model: `model-of-${name}`, text: 'hello' });
  await client.ask({ type: 'typing', conversationId, active: true });
  await client.ask({ type: 'cancel', conversationId, runId: `r-${name}` });
  const { logId } = client.events.find((event) => event.type === 'live') as { logId?: string };
  await client.ask({ type: 'follow', conversationId, ...(logId && { cursor: { logId, offset } }) });
  await client.ask({ type: 'regenerate', conversationId, parentId: `m-${name}`, runId: `s-${name}`, model: 'count' });
  await client.ask({ type: 'cancel', conversationId, runId: `s-${name}` });
  await client.next('run-ended', (event) => event.runId === `s-${name}`);
  await client.ask({ type: 'delete', conversationId, messageId: `m-${name}` });
  await client.ask({ type: 'follow', conversationId: 'c-user-0' });
  client.send({ type: `nonsense-${name}` } as never);
  await client.next('error', (event) => event.code === 'unknown-type');
  client.drop();
};

test('1,000 users leave no series that ten users did not', { timeout: 120_000 }, async () => {
  await using stack = await startStack({ RATE_LIMIT_PER_MINUTE: '1000' });
  const series = async () => [...(await seriesOf(stack.metrics.gateway)), ...(await seriesOf(stack.metrics.ai))];
  for (let i = 0; i < 10; i++) await live(stack.port, `user-${i}`);
  const before = new Set(await series());

  const waiting = Array.from({ length: USERS - 10 }, (_, i) => `user-${i + 10}`);
  const worker = async (): Promise<void> => {
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) await live(stack.port, name);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));

  const after = await series();
  // Words of outcomes are a fixed list: a rare one may be seen for the first time, one for each person may not.
  expect(after.filter((name) => !before.has(name)).filter((name) => /user-\d|c-user|m-user/.test(name))).toEqual([]);
  expect(after.length - before.size).toBeLessThan(50);
  expect(before.size).toBeGreaterThan(100);
});
