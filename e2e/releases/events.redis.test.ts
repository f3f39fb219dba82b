import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { startRedis } from '@runnel/coordination/testing';
import { fromOutbox, parseAuditEvent, type AuditEvent, type OutboxFields } from '@runnel/protocol/audit';
import { releaseFolder } from './release.ts';

/** The outboxes that a release left in its Redis, as fields of entries. */
const outboxOf = async (version: string): Promise<OutboxFields[]> => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const keys = JSON.parse(await readFile(join(releaseFolder(version), 'redis.json'), 'utf8')) as { key: string; dump: string }[];
  const redis = new Redis(server.url);
  try {
    const entries: OutboxFields[] = [];
    for (const { key, dump } of keys.filter((entry) => /^events:\{/.test(entry.key))) {
      await redis.restore(key, 0, Buffer.from(dump, 'base64'), 'REPLACE');
      for (const [, list] of await redis.xrange(key, '-', '+'))
        entries.push(Object.fromEntries(list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1]!]] : []))) as unknown as OutboxFields);
    }
    return entries;
  } finally {
    redis.disconnect();
  }
};

/** A row's data with words where the trail has their length and digest. */
const withWords = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withWords);
  if (typeof value !== 'object' || value === null) return value;
  const isDigest = 'sha256' in value && 'bytes' in value && Object.keys(value).length === 2;
  return isDigest ? 'words' : Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withWords(inner)]));
};

/** The trail in the data folder that a release left, as the events it was made of. */
const trailOf = async (version: string): Promise<AuditEvent[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-release-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(join(releaseFolder(version), 'standalone'), folder, { recursive: true });
  const database = new DatabaseSync(join(folder, 'runnel.sqlite'));
  onTestFinished(() => database.close());
  return database
    .prepare('SELECT * FROM audit_log ORDER BY time, sequence')
    .all()
    .map((row) =>
      parseAuditEvent({
        ...{ specversion: '1.0', source: '/runnel', datacontenttype: 'application/json', dataversion: 1 },
        ...{ id: row['event_id'], type: row['type'], subject: row['conversation_id'] },
        time: new Date(Number(row['time'])).toISOString(),
        data: withWords(JSON.parse(String(row['data']))),
      }),
    );
};

test.each(['0.1.0'])('P-9 every event that %s left in an outbox or in its trail is read by the schemas of today', async (version) => {
  const entries = (await outboxOf(version)).map(fromOutbox);
  const trail = await trailOf(version);
  expect(new Set(entries.map(({ type }) => type))).toEqual(
    new Set(['SESSION_STARTED', 'CHAT_MESSAGE', 'STREAM_STARTED', 'CHUNK_RECEIVED']),
  );
  expect(new Set(trail.map(({ type }) => type))).toEqual(
    new Set(['SESSION_STARTED', 'CHAT_MESSAGE', 'STREAM_STARTED', 'STREAM_COMPLETED', 'STREAM_ERROR', 'MESSAGE_DELETED']),
  );
  // What the model's provider counted is in the trail since then.
  const ended = trail.flatMap(({ type, data }) => (type === 'STREAM_COMPLETED' ? [data.usage] : []));
  expect(ended).toEqual([
    { promptTokens: 4, completionTokens: 20 },
    { promptTokens: 4, completionTokens: 8 },
  ]);
});
