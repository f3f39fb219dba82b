import { createHash } from 'node:crypto';
import { createRedisRunLog } from '@runnel/coordination';
import { startRedis } from '@runnel/coordination/testing';
import { loadConfig, silentLog, waitFor } from '@runnel/kit';
import { expect, onTestFinished, test } from 'vitest';
import { configSpec } from '../src/config.ts';
import { startAudit } from '../src/service.ts';
import { verify } from '../src/read/verify.ts';

test('P-9 what a conversation did is in the database once, in order, and the chain of hashes holds', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const runLog = createRedisRunLog({ url: redis.url });
  onTestFinished(() => runLog.close());
  const audit = await startAudit(loadConfig(configSpec, { REDIS_URL: redis.url, DATABASE_URL: 'sqlite::memory:' }), silentLog);
  onTestFinished(async () => {
    for (const closable of audit.closables.toReversed()) await closable.close();
  });

  const conversationId = 'c1';
  const runId = 'r1';
  await runLog.beginRun({
    conversationId,
    userId: 'ann',
    runId,
    model: 'count',
    message: { messageId: 'm1', text: 'Chào bạn' },
    title: 'Chào',
  });
  const claimed = await runLog.claimRun({ conversationId, runId, owner: 'pod', leaseMs: 3_000, models: { count: true } });
  expect(claimed.outcome).toBe('claimed');
  const text = 'một hai ba';
  const bytes = Buffer.byteLength(text);
  await runLog.appendChunk({ conversationId, runId, epoch: 1, at: 0, text, t: 1 });
  const sha256 = createHash('sha256').update(text).digest('hex');
  expect(await runLog.endRun({ conversationId, runId, epoch: 1, reason: 'complete', bytes, sha256 })).toMatchObject({ outcome: 'ended' });

  const page = await waitFor(
    async () => {
      const found = await audit.tables.reader.history({ conversationId, userId: 'ann', limit: 10 });
      return found.kind === 'page' && found.messages.length === 2 ? found : undefined;
    },
    { deadlineMs: 5_000 },
  );
  expect(page.messages.map((m) => m.text)).toEqual(['Chào bạn', text]);
  expect(page.messages[1]).toMatchObject({ messageId: runId, parentId: 'm1', role: 'assistant', status: 'complete', model: 'count' });
  expect(await audit.tables.reader.history({ conversationId, userId: 'bob', limit: 10 })).toEqual({ kind: 'forbidden' });

  const { events } = await audit.tables.trail.page({ conversationId, limit: 10 });
  expect(events.map((row) => row.type)).toEqual(['SESSION_STARTED', 'CHAT_MESSAGE', 'STREAM_STARTED', 'STREAM_COMPLETED']);
  expect(events.map((row) => row.sequence)).toEqual([1, 2, 3, 4]);
  // The trail holds no text, only what proves it.
  expect(JSON.stringify(events)).not.toContain(text);
  expect(await verify(audit.tables.database)).toMatchObject({ logs: 1, events: 4, texts: 2, problems: [] });
});
