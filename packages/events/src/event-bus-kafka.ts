import { Kafka, Partitioners, logLevel, type Admin, type Producer, type RecordMetadata } from 'kafkajs';
import type { ConsumeOptions, Consumption, EventBus, EventRecord, TopicReport } from './event-bus.ts';
import { consumeKafka } from './kafka-consumer.ts';

export interface KafkaOptions {
  brokers: readonly string[];
  clientId: string;
  log: { warn(fields: object): void };
}

/** Normal while a cluster moves: kafkajs calls them errors, an operator would only learn to look away. */
const NOISE = /coordinator is loading|group is rebalancing|rebalancing, so a rejoin|topic with this name already exists|not the leader|does not host this topic/i;

const connectKafka = (options: KafkaOptions): Kafka =>
  new Kafka({
    clientId: options.clientId,
    brokers: [...options.brokers],
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    // The producer's own retry setting does not cover reconnects, so it stands here.
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 60 },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => {
      const text = `${entry.log.message} ${String(entry.log['error'] ?? '')}`;
      if (!NOISE.test(text)) options.log.warn({ event: 'kafka.client', message: text.slice(0, 300) });
    },
  });

/**
 * kafkajs 2.2.4 loses acknowledged messages when one `send` spans partitions and a leader moves: the promise resolves although
 * a partition that moved was never sent again. So: the partition is computed here, one partition per `send`, one in flight per
 * partition, and an answer that does not name the partition is a failure (docs/decisions/0007-kafkajs.md).
 */
export const createKafkaBus = (options: KafkaOptions): EventBus => {
  const kafka = connectKafka(options);
  const producer: Producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  const admin: Admin = kafka.admin();
  const partitionOf = Partitioners.DefaultPartitioner();
  const partitions = new Map<string, number[]>();
  let connected: Promise<void> | undefined;

  const connect = (): Promise<void> =>
    (connected ??= Promise.all([producer.connect(), admin.connect()]).then(
      () => undefined,
      (error: unknown) => {
        connected = undefined;
        throw error;
      },
    ));

  const partitionsOf = async (topic: string): Promise<number[]> => {
    let known = partitions.get(topic);
    if (!known) {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      known = (topics[0]?.partitions ?? []).map((p) => p.partitionId);
      if (known.length === 0) throw new Error(`topic ${topic} has no partitions`);
      partitions.set(topic, known);
    }
    return known;
  };

  const sendPartition = async (topic: string, partition: number, records: readonly EventRecord[]): Promise<void> => {
    const messages = records.map((r) => ({ key: r.key, value: Buffer.from(r.value), partition, ...(r.headers && { headers: r.headers }) }));
    const acknowledged: RecordMetadata[] = await producer.send({ topic, acks: -1, messages });
    if (!acknowledged.some((a) => a.partition === partition && a.errorCode === 0)) {
      throw new Error(`Kafka's answer lacks partition ${partition} of ${topic}`);
    }
  };

  return {
    async publish(records) {
      await connect();
      const groups = new Map<string, { topic: string; partition: number; records: EventRecord[] }>();
      for (const record of records) {
        const ids = await partitionsOf(record.topic);
        const partition = partitionOf({
          topic: record.topic,
          partitionMetadata: ids.map((partitionId) => ({ partitionId, leader: 0, replicas: [], isr: [], partitionErrorCode: 0 })),
          message: { key: record.key, value: null },
        });
        const name = `${record.topic}/${partition}`;
        const group = groups.get(name) ?? { topic: record.topic, partition, records: [] };
        group.records.push(record);
        groups.set(name, group);
      }
      await Promise.all([...groups.values()].map((g) => sendPartition(g.topic, g.partition, g.records)));
    },

    consume: (consumption: ConsumeOptions): Promise<Consumption> => consumeKafka(kafka, consumption),

    async ensureTopics(names, settings) {
      await connect();
      const existing = new Set(await admin.listTopics());
      const missing = names.filter((name) => !existing.has(name));
      if (missing.length > 0) {
        await admin.createTopics({
          waitForLeaders: true,
          topics: missing.map((topic) => ({
            topic,
            numPartitions: settings.partitions,
            configEntries: [{ name: 'retention.ms', value: String(settings.retentionMs) }],
          })),
        });
      }
      const { topics } = await admin.fetchTopicMetadata({ topics: [...names] });
      return topics.map(({ name, partitions: found }): TopicReport => ({
        topic: name,
        partitions: found.length,
        warnings: found.length === settings.partitions ? [] : [`has ${found.length} partitions, not ${settings.partitions}`],
      }));
    },

    async lag(group, topics) {
      await connect();
      const stored = await admin.fetchOffsets({ groupId: group, topics: [...topics] });
      let lag = 0n;
      for (const { topic, partitions: positions } of stored) {
        const ends = await admin.fetchTopicOffsets(topic);
        for (const end of ends) {
          const position = positions.find((p) => p.partition === end.partition)?.offset ?? '-1';
          lag += BigInt(end.high) - BigInt(position === '-1' ? end.low : position);
        }
      }
      return Number(lag);
    },

    async close() {
      if (connected) await Promise.allSettled([producer.disconnect(), admin.disconnect()]);
    },
  };
};
