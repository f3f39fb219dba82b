import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { startCluster } from '../harness/processes/cluster.ts';
import { countText } from '../harness/viewers/expected.ts';
import { waitFor } from '../harness/wait.ts';
import { call, type HttpAnswer } from '../harness/commands.ts';
import { endOfRunning, goesOn, readOver, verified } from './check.ts';
import { readRelease, releaseFolder } from './release.ts';

const restoreRedis = async (url: string, version: string): Promise<void> => {
  const keys = JSON.parse(await readFile(join(releaseFolder(version), 'redis.json'), 'utf8')) as {
    key: string;
    ttlMs: number;
    dump: string;
  }[];
  const redis = new Redis(url);
  for (const { key, ttlMs, dump } of keys) await redis.restore(key, ttlMs, Buffer.from(dump, 'base64'), 'REPLACE');
  redis.disconnect();
};

const restorePostgres = async (url: string, version: string): Promise<void> => {
  // psql's own words, such as \restrict, are no SQL.
  const sql = (await readFile(join(releaseFolder(version), 'postgres.sql'), 'utf8')).replaceAll(/^\\.*$/gm, '');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
};

const startOver = async (version: string, stores: { redis: boolean }) => {
  const cluster = await startCluster({
    gateways: 1,
    ai: 1,
    aiStarted: 0,
    audit: true,
    auditStarted: false,
    postgres: true,
    gatewayEnv: { ADMIN_USERS: 'root' },
  });
  onTestFinished(async () => {
    await cluster.close();
    await cluster.removeLogs();
  });
  await restorePostgres(cluster.databaseUrl!, version);
  if (stores.redis) await restoreRedis(cluster.redis.url, version);
  await cluster.audit!.start();
  await cluster.ai[0]!.start();
  return { cluster, origin: cluster.gateways[0]!.url };
};

test.each(['0.1.0'])('P-1 P-4 P-9 a Redis and a PostgreSQL of %s open, verify and go on', async (version) => {
  const { cluster: left } = readRelease(version);
  const { origin } = await startOver(version, { redis: true });
  expect(await readOver(origin, left)).toEqual(left.messages);
  // A pod of today continues it from the byte where a pod of then was killed.
  const whole = await endOfRunning(origin, left, 30_000);
  expect([whole.status, whole.text]).toEqual(['complete', countText(400)]);
  await goesOn(origin, left);
  await waitFor(
    async () => {
      const { events, problems } = await verified(origin, left.going, left.userId);
      expect(problems).toEqual([]);
      return events >= 8;
    },
    { deadlineMs: 20_000, everyMs: 200, what: 'the audit to have what both releases wrote' },
  );
  expect((await verified(origin, left.over, left.userId)).problems).toEqual([]);
});

test.each(['0.1.0'])('P-9 W-11 a PostgreSQL of %s alone has the conversation when Redis is new', async (version) => {
  const { cluster: left } = readRelease(version);
  const { cluster, origin } = await startOver(version, { redis: false });
  await waitFor(async () => (await readOver(origin, left)).length > 0, { deadlineMs: 10_000, what: 'the history' });
  expect(await readOver(origin, left)).toEqual(left.messages);
  const client = new pg.Client({ connectionString: cluster.databaseUrl! });
  await client.connect();
  const { rows } = await client.query('SELECT run_id, input_tokens, output_tokens FROM run ORDER BY run_id');
  await client.end();
  // 0.1.0 wrote none; its trail says what the model used.
  expect(rows.map((row) => Object.values(row as object))).toEqual([
    ['deleted', '4', '8'],
    ['ended', '4', '20'],
    ['failed', '49', '10'],
  ]);
  expect((await verified(origin, left.over, left.userId)).problems).toEqual([]);
});

test.each(['0.1.0'])(
  'S-17 who is erased from a PostgreSQL of %s is named by none of its tables, and the trail stays whole',
  async (version) => {
    const { cluster: left } = readRelease(version);
    const { cluster, origin } = await startOver(version, { redis: true });
    await endOfRunning(origin, left, 30_000);
    const stored = async (): Promise<boolean> => (await verified(origin, left.going, left.userId)).events >= 4;
    await waitFor(stored, { deadlineMs: 20_000, everyMs: 200, what: 'the audit to have what both releases wrote' });
    const erase = (): Promise<HttpAnswer & { forgotten?: boolean }> =>
      call('DELETE', `${origin}/api/admin/users/${left.userId}?user_id=root`, undefined, 20_000);
    await waitFor(async () => (await erase()).forgotten === true, { deadlineMs: 20_000, everyMs: 500, what: 'the person to be forgotten' });
    for (const conversationId of [left.over, left.going]) {
      const verdict = await call('GET', `${origin}/api/admin/conversations/${conversationId}/verify?user_id=root`, undefined, 10_000);
      expect(verdict, conversationId).toMatchObject({ status: 200, problems: [] });
    }
    const client = new pg.Client({ connectionString: cluster.databaseUrl! });
    await client.connect();
    onTestFinished(() => client.end());
    const { rows: tables } = await client.query<{ name: string }>(
      `SELECT quote_ident(table_name) AS name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'`,
    );
    const naming: string[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
      if (rows.some(({ row }) => new RegExp(`\\b${left.userId}\\b`).test(row))) naming.push(name);
    }
    expect(tables.length).toBeGreaterThan(5);
    expect(naming).toEqual([]);
  },
);
