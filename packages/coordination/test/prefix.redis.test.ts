import { newId } from '@runnel/protocol';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { startRedis, waitFor, type TestRedis } from '../testing/index.ts';

// Two installations on one Redis, which know nothing of each other: two copies of the modules, as two processes have them.

type Modules = typeof import('../src/index.ts');

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const installation = async (prefix: string): Promise<Modules> => {
  vi.resetModules();
  const modules = await import('../src/index.ts');
  const plain = { redisUrl: redis.url, redisCaFile: undefined, redisCertFile: undefined, redisKeyFile: undefined };
  expect(modules.openStoreAddress({ ...plain, redisKeyPrefix: prefix })).toBe(redis.url);
  return modules;
};

test('two installations with prefixes of their own share a Redis: the same ids, other conversations, no key in common', async () => {
  const [production, staging] = [await installation(''), await installation('staging.')];
  const [conversationId, runId, messageId] = [newId(), newId(), newId()];
  const heard: string[][] = [[], []];
  const tell = async (at: 0 | 1, text: string): Promise<void> => {
    const log = [production, staging][at]!.createRedisRunLog({ url: redis.url });
    onTestFinished(() => log.close());
    await waitFor(
      () =>
        log.ping().then(
          () => true,
          () => false,
        ),
      { deadlineMs: 5_000, what: 'the store to answer' },
    );
    await log.follow(conversationId, {
      message: (bytes: Buffer) => void heard[at]!.push(Buffer.from(bytes).toString()),
      resubscribed: () => {},
    });
    const message = { messageId, text: `prompt ${text}` };
    expect(await log.beginRun({ conversationId, userId: 'ann', runId, model: 'm', message, title: text })).toMatchObject({
      outcome: 'started',
    });
    const claim = await log.claimRun({ conversationId, runId, owner: text, leaseMs: 3_000, models: { m: true } });
    expect(claim).toMatchObject({ outcome: 'claimed' });
    const { epoch } = claim as { epoch: number };
    expect(await log.appendChunk({ conversationId, runId, epoch, at: 0, text, t: 0 })).toMatchObject({ outcome: 'appended' });
  };
  await tell(0, 'production');
  const before = new Set((await redis.cli('KEYS', '*')) as string[]);
  expect([...before].filter((key) => key.startsWith('staging.'))).toEqual([]);
  await tell(1, 'staging');
  const after = ((await redis.cli('KEYS', '*')) as string[]).filter((key) => !before.has(key));
  expect(after.length).toBeGreaterThan(5);
  expect(after.filter((key) => !key.startsWith('staging.'))).toEqual([]);
  for (const [at, name] of [
    [0, 'production'],
    [1, 'staging'],
  ] as const) {
    await waitFor(() => heard[at]!.some((line) => line.includes(name)), { deadlineMs: 5_000, what: `${name} to hear its chunk` });
    expect(heard[at]!.join('')).not.toContain(at === 0 ? 'staging' : 'production');
  }
});

test('a prefix that would move keys to other slots is refused', async () => {
  await expect(installation('{a}')).rejects.toThrow('cannot hold braces');
});
