import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { createRedisRunLog, type RunLog } from '@runnel/coordination';
import { PATIENT_MS, startRedis, type TestRedis } from '@runnel/coordination/testing';
import { createKafkaBus, type EventBus } from '@runnel/events';
import { startKafka, type TestKafka } from '@runnel/events/testing';
import { createLogger, createMetrics, loadConfig, silentLog, waitFor } from '@runnel/kit';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { CHAT_TOPIC, DEAD_LETTER_TOPIC, STREAM_TOPIC } from '@runnel/protocol/audit';
import { configSpec } from '../src/config.ts';
import { kafkaDeadLetters, tableDeadLetters } from '../src/ingest/dead-letters.ts';
import { createIngest } from '../src/ingest/ingest.ts';
import { auditMetrics } from '../src/metrics.ts';
import { sha256Of } from '../src/store/rows.ts';
import { startAudit, type AuditService } from '../src/service.ts';
import { openTables } from '../src/audit-database.ts';
import { startPostgres, story, type TestPostgres } from '../testing/index.ts';
import { verify } from '../src/read/verify.ts';

const PASSWORD = 'as-it-should-be';

let kafka: TestKafka;
let postgres: TestPostgres;
beforeAll(async () => {
  [kafka, postgres] = await Promise.all([startKafka({ secure: { username: 'runnel', password: PASSWORD } }), startPostgres()]);
});
afterAll(async () => {
  await Promise.all([kafka.stop(), postgres.stop()]);
});

const newRedis = async (): Promise<{ redis: TestRedis; runLog: RunLog }> => {
  const redis = await startRedis();
  const runLog = createRedisRunLog({ url: redis.url, deadlineMs: PATIENT_MS });
  onTestFinished(async () => {
    await runLog.close();
    await redis.stop();
  });
  return { redis, runLog };
};

const readyTopics = async (bus: EventBus): Promise<string[][]> => {
  const reports = await bus.ensureTopics([CHAT_TOPIC, STREAM_TOPIC], { partitions: 3, retentionMs: 7 * 86_400_000 });
  return reports.map(({ warnings }) => warnings);
};

/** Four state changes: session, question, start, end. */
const talk = async (runLog: RunLog, conversationId: string): Promise<void> => {
  const runId = `r-${conversationId}`;
  const text = `đáp ${conversationId}`;
  const message = { messageId: `m-${conversationId}`, text: `hỏi ${conversationId}` };
  await runLog.beginRun({ conversationId, userId: 'ann', runId, model: 'count', message, title: 'T' });
  await runLog.claimRun({ conversationId, runId, owner: 'pod', leaseMs: 3_000, models: { count: true } });
  await runLog.appendChunk({ conversationId, runId, epoch: 1, at: 0, text, t: 1 });
  await runLog.endRun({ conversationId, runId, epoch: 1, reason: 'complete', bytes: Buffer.byteLength(text), sha256: sha256Of(text) });
};

const talkAll = async (runLog: RunLog, name: string, from: number, to: number): Promise<void> => {
  for (let i = from; i < to; i += 20)
    await Promise.all(Array.from({ length: Math.min(20, to - i) }, (_, n) => talk(runLog, `${name}-${i + n}`)));
};

const countOf = async (tables: { database: { query(sql: string): Promise<{ n: string }[]> } }, like: string): Promise<number> =>
  Number((await tables.database.query(`SELECT count(*) AS n FROM audit_log WHERE conversation_id LIKE '${like}-%'`))[0]!.n);

const environment = (redisUrl: string, databaseUrl: string, node: string): Record<string, string> => ({
  REDIS_URL: redisUrl,
  DATABASE_URL: databaseUrl,
  KAFKA_BROKERS: kafka.brokers.join(','),
  NODE_ID: node,
});

test('P-9 through a real Kafka into a real PostgreSQL: once, in order, also when the broker was killed in the middle', async () => {
  const { redis, runLog } = await newRedis();
  const url = await postgres.database();
  const audit = await startAudit(loadConfig(configSpec, environment(redis.url, url, 'one')), silentLog);
  onTestFinished(async () => {
    for (const closable of audit.closables.toReversed()) await closable.close();
  });
  await talkAll(runLog, 'a', 0, 40);
  await waitFor(async () => (await countOf(audit.tables, 'a')) === 160, { deadlineMs: 40_000, everyMs: 100, what: '160 events' });

  await kafka.kill();
  // P-10: the conversation goes on, its events wait in the outbox.
  await talkAll(runLog, 'a', 40, 100);
  await kafka.restart();
  await waitFor(async () => (await countOf(audit.tables, 'a')) === 400, { deadlineMs: 60_000, everyMs: 200, what: '400 events' });
  expect(await verify(audit.tables.database)).toMatchObject({ logs: 100, events: 400, texts: 200, problems: [] });
  const trail = await audit.tables.trail.page({ conversationId: 'a-99', limit: 9 });
  expect(trail.events.map((e) => e.sequence)).toEqual([1, 2, 3, 4]);
});

test('P-9 a pod killed again and again in the middle of its work loses nothing and doubles nothing', async () => {
  const { redis, runLog } = await newRedis();
  const url = await postgres.database();
  const tables = await openTables(url);
  onTestFinished(() => tables.close());
  const launch = (round: number): ChildProcess =>
    fork(join(import.meta.dirname, '../src/main.ts'), {
      env: { ...process.env, ...environment(redis.url, url, `pod-${round}`), PORT: '0', INTERNAL_PORT: '0', LOG_LEVEL: 'error' },
      stdio: 'ignore',
    });
  let pod = launch(0);
  onTestFinished(() => void pod.kill('SIGKILL'));
  for (let round = 1; round <= 3; round++) {
    const before = await countOf(tables, 'b');
    await talkAll(runLog, 'b', (round - 1) * 100, round * 100);
    // Killed as soon as it has begun with them.
    await waitFor(async () => (await countOf(tables, 'b')) > before, { deadlineMs: 40_000, everyMs: 5, what: 'the first of the round' });
    const gone = once(pod, 'exit');
    pod.kill('SIGKILL');
    await gone;
    pod = launch(round);
  }
  await waitFor(async () => (await countOf(tables, 'b')) === 1_200, { deadlineMs: 60_000, everyMs: 200, what: '1200 events' });
  expect((await verify(tables.database)).problems).toEqual([]);
});

test('what cannot be read is put aside with the reason, doubles and disorder change nothing, and an empty database is made whole', async () => {
  const bus = createKafkaBus({ brokers: kafka.brokers, clientId: 'test', log: silentLog });
  onTestFinished(() => bus.close());
  const value = (text: string) => new TextEncoder().encode(text);
  await bus.publish([{ topic: CHAT_TOPIC, key: 'poison', value: value('{"no":"event"') }]);
  const tables = await openTables(await postgres.database());
  onTestFinished(() => tables.close());
  const deadLetters = kafkaDeadLetters(bus, tableDeadLetters(tables.database));
  const metrics = auditMetrics(createMetrics('test', { processMetrics: false }));
  const handle = createIngest({ write: (events) => tables.writer.write(events), deadLetters, metrics, group: 'rebuild' });
  const progress: number[] = [];
  const rebuild = () =>
    bus.readToEnd({
      topics: [CHAT_TOPIC, STREAM_TOPIC],
      handle,
      onProgress: (done, total) => void progress.push(total === 0 ? 1 : done / total),
    });
  await rebuild();
  await rebuild();
  expect(progress.at(-1)).toBe(1);
  // Everything the tests before have said is in Kafka, some of it twice.
  expect(await verify(tables.database)).toMatchObject({ logs: 400, events: 1_600, problems: [] });

  const letters = await deadLetters.list();
  expect(letters.map((l) => [l.topic, l.key, l.reason])).toEqual(Array.from(letters, () => [CHAT_TOPIC, 'poison', 'not JSON in UTF-8']));
  expect(letters.length).toBeGreaterThanOrEqual(2);
  const retried = await deadLetters.retry(async (letter) => {
    if (letter.origin !== letters[0]!.origin) throw new Error('still nothing');
  });
  expect(retried.stored + retried.left).toBe(letters.length);
  const left = await deadLetters.list();
  expect(left.map((l) => l.reason)).toEqual(Array.from({ length: retried.left }, () => 'still nothing'));
  const reports = await bus.ensureTopics([CHAT_TOPIC, DEAD_LETTER_TOPIC], { partitions: 5, retentionMs: 60_000 });
  expect(reports[0]!.warnings).toEqual(['has 3 partitions, not 5', 'keeps 604800000 ms, not 60000']);
});

const listOf = (bus: EventBus) =>
  kafkaDeadLetters(bus, { put: async () => {}, list: async () => [], retry: async () => ({ stored: 0, left: 0 }) }).list();

test('B3 events larger than Kafka’s default, and larger than anything it takes, hold up no other: all are stored, once', async () => {
  const { redis, runLog } = await newRedis();
  const bus = createKafkaBus({ brokers: kafka.brokers, clientId: 'test', log: silentLog });
  onTestFinished(() => bus.close());
  const url = await postgres.database();
  const before = await readyTopics(bus);
  expect(before).toEqual([[], []]);
  const metrics = createMetrics('large');
  const audit = await startAudit(loadConfig(configSpec, environment(redis.url, url, 'large')), silentLog, { metrics });
  onTestFinished(async () => {
    for (const closable of audit.closables.toReversed()) await closable.close();
  });
  // Every shard has a large one first: 3 MiB as they are, and more than 16 MiB once each character is written as six.
  const say = async (conversationId: string, text: string): Promise<void> => {
    const message = { messageId: `m-${conversationId}`, text };
    await runLog.beginRun({ conversationId, userId: 'ann', runId: `r-${conversationId}`, model: 'count', message, title: 'T' });
  };
  await say('big-1', 'ắ'.repeat(1 << 20));
  await say('big-2', '\u0001'.repeat(3 << 20));
  await talkAll(runLog, 'small', 0, 100);
  await waitFor(async () => (await countOf(audit.tables, 'small')) === 400, { deadlineMs: 60_000, everyMs: 100, what: 'the others' });
  await waitFor(async () => (await countOf(audit.tables, 'big')) === 6, { deadlineMs: 60_000, everyMs: 100, what: 'the large ones' });
  expect(await verify(audit.tables.database)).toMatchObject({ logs: 102, events: 406, texts: 202, problems: [] });
  expect(await metrics.text()).toMatch(/^runnel_outbox_refused_total\{service="large"\} 1$/m);
});

test('P-9 P-10 a password that Kafka does not accept is said, history is served, the outbox waits, and the right one brings it all', async () => {
  const { redis, runLog } = await newRedis();
  const url = await postgres.database();
  const folder = await mkdtemp(join(tmpdir(), 'runnel-kafka-ca-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const { brokers, tls, sasl } = kafka.secure!;
  await writeFile(join(folder, 'ca.pem'), tls.ca!);
  const start = (password: string, log: typeof silentLog, onFatal = (): void => {}) => {
    const env = {
      ...environment(redis.url, url, 'secure'),
      KAFKA_BROKERS: brokers.join(','),
      KAFKA_TLS: 'true',
      KAFKA_CA_FILE: join(folder, 'ca.pem'),
      KAFKA_SASL_MECHANISM: sasl.mechanism,
      KAFKA_USERNAME: sasl.username,
      KAFKA_PASSWORD: password,
    };
    return startAudit(loadConfig(configSpec, env), log, { onFatal });
  };
  const end = async (audit: AuditService): Promise<void> => {
    for (const closable of audit.closables.toReversed()) await closable.close();
  };
  let said = '';
  const destination = new Writable({ write: (chunk, _, done) => ((said += String(chunk)), done()) });
  const fatal = vi.fn();
  const refused = await start('as-it-was-last-week', createLogger({ level: 'warn', node: 'secure', service: 'audit' }, destination), fatal);
  await talkAll(runLog, 'd', 0, 20);
  await waitFor(() => said.includes('"kafka.refused"') && said.includes('"relay.failed"'), {
    deadlineMs: 20_000,
    everyMs: 20,
    what: 'a word',
  });
  expect((await refused.tables.trail.page({ conversationId: 'd-1', limit: 9 })).events).toEqual([]);
  expect(fatal).not.toHaveBeenCalled();
  expect(said).not.toContain('as-it-was-last-week');
  await end(refused);

  const accepted = await start(PASSWORD, silentLog);
  onTestFinished(() => end(accepted));
  await waitFor(async () => (await countOf(accepted.tables, 'd')) === 80, { deadlineMs: 40_000, everyMs: 100, what: '80 events' });
  expect((await accepted.tables.trail.page({ conversationId: 'd-1', limit: 9 })).events.map((e) => e.sequence)).toEqual([1, 2, 3, 4]);
});

test('B3 whatever stands first in every partition of both topics, the consumers go past it and put aside that alone', async () => {
  const { redis, runLog } = await newRedis();
  const bus = createKafkaBus({ brokers: kafka.brokers, clientId: 'test', log: silentLog });
  onTestFinished(() => bus.close());
  await readyTopics(bus);
  await bus.ensureTopics([DEAD_LETTER_TOPIC], { partitions: 3, retentionMs: 7 * 86_400_000 });
  const bytes = (text: string) => new TextEncoder().encode(text);
  const event = story('poison').ended('r\0', 'm', 'x');
  const values = [
    ...[bytes(''), new Uint8Array([0xff, 0xfe, 0]), bytes('null'), bytes('{"no":"event"'), bytes('[]'), bytes('"'.repeat(900_000))],
    ...[event, { ...event, subject: 'a\0b' }, { ...event, id: 'x'.repeat(9_999) }, { ...event, time: 'never' }, { ...event, data: 7 }].map(
      (one) => bytes(JSON.stringify(one)),
    ),
  ];
  const before = (await listOf(bus)).length;
  const keys = Array.from({ length: 24 }, (_, n) => (n % 4 === 0 ? `k\0${n}` : `k${n}`));
  await bus.publish(
    [CHAT_TOPIC, STREAM_TOPIC].flatMap((topic) => keys.map((key, n) => ({ topic, key, value: values[n % values.length]! }))),
  );
  const metrics = createMetrics('poisoned');
  const audit = await startAudit(loadConfig(configSpec, environment(redis.url, await postgres.database(), 'poisoned')), silentLog, {
    metrics,
  });
  onTestFinished(async () => {
    for (const closable of audit.closables.toReversed()) await closable.close();
  });
  await talkAll(runLog, 'past', 0, 60);
  await waitFor(async () => (await countOf(audit.tables, 'past')) === 240, { deadlineMs: 60_000, everyMs: 100, what: 'the events behind' });
  const all = 2 * keys.length;
  await waitFor(async () => (await listOf(bus)).length - before >= all, { deadlineMs: 30_000, everyMs: 500, what: 'all letters' });
  const aside = (await listOf(bus)).slice(before);
  expect(aside.filter(({ value }) => Buffer.from(value).includes('past-'))).toEqual([]);
});
