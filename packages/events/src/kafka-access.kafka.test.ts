import { rootCertificates } from 'node:tls';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { EventBus, ReceivedRecord } from './event-bus.ts';
import { createKafkaBus } from './event-bus-kafka.ts';
import { RECORD_BYTES } from './kafka-topics.ts';
import { isKafkaOutage, KAFKA_SASL_MECHANISMS, type KafkaAccess } from './kafka-client.ts';
import { startKafka, STRANGER, type TestKafka } from './testing/index.ts';

const PASSWORD = 'as-it-should-be';
const WRONG = 'as-it-was-last-week';

let kafka: TestKafka;
let access: Required<KafkaAccess>;
beforeAll(async () => {
  kafka = await startKafka({ secure: { username: 'runnel', password: PASSWORD } });
  access = kafka.secure!;
});
afterAll(() => kafka.stop());

const newBus = (different: Partial<KafkaAccess>): { bus: EventBus; lines: Record<string, unknown>[] } => {
  const lines: Record<string, unknown>[] = [];
  const keep = (fields: object): void => void lines.push({ ...fields });
  const bus = createKafkaBus({ ...access, ...different, clientId: 'test', log: { warn: keep, error: keep } });
  onTestFinished(() => bus.close());
  return { bus, lines };
};
const value = (text: string): Uint8Array => new TextEncoder().encode(text);
const refusals = (lines: readonly Record<string, unknown>[]): Record<string, unknown>[] =>
  lines.filter(({ event }) => event === 'kafka.refused');

test.each(KAFKA_SASL_MECHANISMS)('P-9 over TLS, known by %s: what is published is consumed, in its order', async (mechanism) => {
  const topic = `secure-${mechanism}`;
  const { bus, lines } = newBus({ sasl: { ...access.sasl, mechanism } });
  await bus.ensureTopics([topic], { partitions: 3, retentionMs: 60_000 });
  const words = ['một', 'hai', 'ba'];
  await bus.publish(words.map((word) => ({ topic, key: 'one', value: value(word) })));
  const got: ReceivedRecord[] = [];
  const consumption = await bus.consume({
    group: topic,
    topics: [topic],
    fromBeginning: true,
    handle: async (records) => void got.push(...records),
    onError: () => undefined,
    onFatal: () => undefined,
  });
  onTestFinished(() => consumption.stop());
  await expect.poll(() => got.length, { timeout: 30_000, interval: 20 }).toBe(words.length);
  expect(got.map((record) => Buffer.from(record.value!).toString())).toEqual(words);
  await expect.poll(() => bus.lag(topic, [topic]), { timeout: 10_000, interval: 50 }).toBe(0);
  expect(refusals(lines)).toEqual([]);
});

test.each(KAFKA_SASL_MECHANISMS)(
  'P-9 P-10 a wrong password, by %s, stores nothing and is said, once, without the password',
  async (mechanism) => {
    const { bus, lines } = newBus({ sasl: { ...access.sasl, mechanism, password: WRONG } });
    const publish = (): Promise<unknown> => bus.publish([{ topic: 'never', key: 'k', value: value('v') }]).catch((error: unknown) => error);
    const refused = await publish();
    expect(refused).toMatchObject({ name: 'KafkaJSSASLAuthenticationError' });
    expect(isKafkaOutage(refused)).toBe(true);
    // Who asks again at once is answered without asking the broker.
    expect(await publish()).toBe(refused);
    expect(refusals(lines).map(({ message }) => message)).toEqual([
      expect.stringMatching(/^Kafka does not accept KAFKA_USERNAME, KAFKA_PASSWORD/),
    ]);
    expect(JSON.stringify(lines) + String(refused)).not.toContain(WRONG);
  },
);

test.each([
  ["Node's own authorities", {}],
  ['another authority', { ca: rootCertificates[0]! }],
])('P-9 a broker that %s have not signed is refused before it is told anything, and that is said', async (_, tls) => {
  const { bus, lines } = newBus({ tls });
  // kafkajs would try for a minute: it takes every failed connection for an outage.
  void bus.publish([{ topic: 'never', key: 'k', value: value('v') }]).catch(() => undefined);
  await expect.poll(() => refusals(lines).length, { timeout: 10_000, interval: 20 }).toBeGreaterThan(0);
  expect(refusals(lines)[0]!['message']).toMatch(/^Kafka's certificate is not trusted \(\w+\): KAFKA_CA_FILE must hold/);
  expect(JSON.stringify(lines)).not.toContain(PASSWORD);
});

test('P-9 P-10 a name without rights is told which it lacks, and is waited for as for an outage', async () => {
  const stranger = newBus({ sasl: { ...access.sasl, mechanism: 'plain', username: STRANGER } });
  const topic = 'closed';
  await newBus({}).bus.ensureTopics([topic], { partitions: 1, retentionMs: 60_000 });
  const ended = Promise.withResolvers<unknown>();
  const consumption = await stranger.bus
    .consume({
      group: 'closed',
      topics: [topic],
      fromBeginning: true,
      handle: async () => undefined,
      onError: () => undefined,
      onFatal: ended.resolve,
    })
    .catch(ended.resolve);
  const error = await ended.promise;
  await consumption?.stop();
  expect(isKafkaOutage(error)).toBe(true);
  await expect(stranger.bus.publish([{ topic, key: 'k', value: value('v') }])).rejects.toThrow();
  const said = refusals(stranger.lines).map(({ message }) => message);
  expect(said[0]).toMatch(/^KAFKA_USERNAME lacks a right at Kafka \(TOPIC_AUTHORIZATION_FAILED\)/);
  expect(said[1]).toMatch(/^KAFKA_USERNAME lacks a right at Kafka \(CLUSTER_AUTHORIZATION_FAILED\)/);
});

test('B3 a topic made with Kafka’s own limit takes our largest event afterwards, and keeps what else was set on it', async () => {
  const admin = new Kafka({ brokers: kafka.brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  onTestFinished(() => admin.disconnect());
  const topic = 'made-before';
  const configEntries = [
    { name: 'retention.ms', value: '123456' },
    { name: 'max.message.bytes', value: '1048588' },
  ];
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 1, configEntries }] });
  const { bus } = newBus({});
  const large = { topic, key: 'k', value: new Uint8Array(RECORD_BYTES - 1_000).fill(32) };
  const small = { topic, key: 'k', value: value('small') };
  expect(await bus.deliver([large, small])).toMatchObject([{ outcome: 'refused' }, { outcome: 'stored' }]);
  const [report] = await bus.ensureTopics([topic], { partitions: 1, retentionMs: 123_456 });
  expect(report!.warnings).toEqual([]);
  const beyond = { ...large, value: new Uint8Array(RECORD_BYTES + 1) };
  const outcomes = async () => (await bus.deliver([small, large, beyond, small])).map(({ outcome }) => outcome);
  await expect.poll(outcomes, { timeout: 10_000, interval: 100 }).toEqual(['stored', 'stored', 'refused', 'stored']);
  const sizes: number[] = [];
  await bus.readToEnd({ topics: [topic], handle: async (records) => void sizes.push(...records.map((r) => r.value!.byteLength)) });
  expect(sizes).toContain(RECORD_BYTES - 1_000);
  expect(sizes.at(-1)).toBe(5);
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: 2, name: topic, configNames: ['retention.ms'] }],
  });
  expect(resources[0]!.configEntries[0]!.configValue).toBe('123456');
});
