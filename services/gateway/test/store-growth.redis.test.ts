import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRedisRunLog } from '@runnel/coordination';
import { startRedis, type TestRedis } from '@runnel/coordination/testing';
import { waitFor } from '@runnel/kit';
import { newId } from '@runnel/protocol';
import { startGateway } from '../testing/test-gateway.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const keys = async (): Promise<string[]> => (await redis.cli('KEYS', '*')) as string[];
const heldBytes = async (): Promise<number> => {
  const sizes = await Promise.all((await keys()).map((key) => redis.cli('MEMORY', 'USAGE', key, 'SAMPLES', 0)));
  return sizes.reduce<number>((sum, size) => sum + Number(size ?? 0), 0);
};

const BUDGET = 60_000;
/** A message stands in the history, the log and the outbox. */
const COPIES = 4;
/** Keys, ids and events of one command, whatever it says. */
const COMMAND_BYTES = 16 * 1024;

interface Write {
  method?: string;
  path: string;
  body: object;
}
const fresh = (text: string) => ({ conversationId: newId(), messageId: newId(), runId: newId(), text });
/** What a person can make Redis keep by one request, of about `bytes`. */
const WAYS: Record<string, (bytes: number, home: string) => Write> = {
  'prompts in new conversations': (bytes) => ({ path: '/api/chat', body: fresh('x'.repeat(bytes / 4)) }),
  'prompts of many bytes a character': (bytes) => ({ path: '/api/chat', body: fresh('漢'.repeat(Math.ceil(bytes / 3))) }),
  'contexts of /v1': (bytes) => ({
    path: '/v1/chat/completions',
    body: {
      stream: true,
      messages: [
        ...['system', 'user', 'assistant'].map((role) => ({ role, content: 'y'.repeat(bytes / 3) })),
        { role: 'user', content: 'x' },
      ],
    },
  }),
  titles: (_bytes, home) => ({ method: 'PATCH', path: `/api/conversations/${home}`, body: { title: '漢'.repeat(80) } }),
};
const CASES = Object.keys(WAYS).flatMap((way) => [8_000, 15_000].map((bytes) => [way, bytes] as const));

test.each(CASES)('S-5 %s, %i bytes each: what one person makes Redis hold is bounded by the day’s bytes', async (way, bytes) => {
  await redis.cli('FLUSHALL');
  const runLog = createRedisRunLog({ url: redis.url });
  await waitFor(() => runLog.ping().then(() => true));
  const none = { MAX_RUNS_PER_USER: '0', RATE_LIMIT_PER_MINUTE: '100000', MAX_COMMANDS_PER_MINUTE: '0' };
  const gateway = await startGateway({ runLog, env: { ...none, MAX_BYTES_PER_USER_DAY: String(BUDGET) } });
  const leave = new AbortController();
  try {
    const send = async ({ method = 'POST', path, body }: Write): Promise<Response> =>
      fetch(`${gateway.url}${path}?user_id=ann`, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: leave.signal,
      });
    const home = fresh('home');
    expect((await send({ path: '/api/chat', body: home })).status).toBe(202);
    const before = await heldBytes();
    let writes = 0;
    for (let refused = false; !refused; writes++) {
      expect(writes).toBeLessThan(1_000);
      const response = await send(WAYS[way]!(bytes, home.conversationId));
      refused = response.status === 429;
      expect(response.ok || refused).toBe(true);
      if (refused) expect(await response.text()).toContain('written in a day');
    }
    expect(writes).toBeGreaterThan(3);
    expect((await heldBytes()) - before).toBeLessThan(COPIES * BUDGET + COMMAND_BYTES * writes);
  } finally {
    leave.abort();
    await gateway.close();
    await runLog.close();
  }
});

test('S-5 each turn that /v1 brings is stored as one message', async () => {
  await redis.cli('FLUSHALL');
  const runLog = createRedisRunLog({ url: redis.url });
  await waitFor(() => runLog.ping().then(() => true));
  const gateway = await startGateway({ runLog });
  const leave = new AbortController();
  try {
    const turns = ['system', 'user', 'assistant', 'user'].map((role, n) => ({ role, content: `turn-${n}-${newId()}` }));
    const asked = fetch(`${gateway.url}/v1/chat/completions?user_id=ann`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ stream: true, messages: turns }),
      signal: leave.signal,
    }).catch(() => undefined);
    await waitFor(() => gateway.owner.runs.length === 1);
    const histories = (await keys()).filter((key) => key.includes(':history:'));
    const kept = ((await Promise.all(histories.map((key) => redis.cli('HVALS', key)))) as string[][]).flat().join('\n');
    for (const { content } of turns) expect(kept.split(content)).toHaveLength(2);
    leave.abort();
    await asked;
  } finally {
    await gateway.close();
    await runLog.close();
  }
});
