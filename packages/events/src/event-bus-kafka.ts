import { Partitioners, type Admin, type Producer, type RecordMetadata } from 'kafkajs';
import type { ConsumeOptions, Consumption, EventBus, EventRecord } from './event-bus.ts';
import { connectKafka, type KafkaOptions } from './kafka-client.ts';
import { consumeKafka, readToEnd } from './kafka-consumer.ts';
import { createRefusalLog, REFUSED_MS, refusalOf } from './kafka-refusal.ts';
import { ensureTopics } from './kafka-topics.ts';
import { createLanes } from './lanes.ts';

export type { KafkaOptions } from './kafka-client.ts';

/** Records of one `send`; Kafka takes at most 1 MiB unless told otherwise, so a batch is cut by size too. */
const BATCH_RECORDS = 1_000;
const BATCH_BYTES = 700_000;

/** Cuts a batch so that each part fits a request. Pure. */
export const partsOf = (records: readonly EventRecord[], mostBytes = BATCH_BYTES): EventRecord[][] => {
  const parts: EventRecord[][] = [];
  let bytes = 0;
  for (const record of records) {
    const size = record.value.byteLength + record.key.length + 200;
    const part = parts.at(-1);
    if (!part || bytes + size > mostBytes) {
      parts.push([record]);
      bytes = size;
    } else {
      part.push(record);
      bytes += size;
    }
  }
  return parts;
};

/**
 * kafkajs 2.2.4 loses acknowledged messages when one `send` spans partitions and a leader moves: the promise resolves although
 * a partition that moved was never sent again. So: the partition is computed here, one partition per `send`, one in flight per
 * partition, and an answer that does not name the partition is a failure (docs/decisions/0007-kafkajs.md).
 */
export const createKafkaBus = (options: KafkaOptions): EventBus => {
  const onRefused = createRefusalLog(options.log);
  const kafka = connectKafka(options, onRefused);
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
        const forget = (): void => (connected = undefined);
        // Everybody who asks meanwhile gets the same answer.
        if (refusalOf(error) === undefined) forget();
        else setTimeout(forget, REFUSED_MS).unref();
        throw error;
      },
    ));

  const telling = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      onRefused(error);
      throw error;
    }
  };

  const connectedTo = <T>(work: () => Promise<T>): Promise<T> => telling(() => connect().then(work));

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

  const send = async (lane: string, records: readonly EventRecord[]): Promise<void> => {
    const slash = lane.lastIndexOf('/');
    const [topic, partition] = [lane.slice(0, slash), Number(lane.slice(slash + 1))];
    for (const part of partsOf(records)) {
      const messages = part.map((r) => ({ key: r.key, value: Buffer.from(r.value), partition, ...(r.headers && { headers: r.headers }) }));
      const acknowledged: RecordMetadata[] = await producer.send({ topic, acks: -1, messages });
      if (!acknowledged.some((a) => a.partition === partition && a.errorCode === 0)) {
        throw new Error(`Kafka's answer lacks partition ${partition} of ${topic}`);
      }
    }
  };
  const push = createLanes(send, BATCH_RECORDS);

  const publish = async (records: readonly EventRecord[]): Promise<void> => {
    const groups = new Map<string, EventRecord[]>();
    for (const record of records) {
      const ids = await partitionsOf(record.topic);
      const partition = partitionOf({
        topic: record.topic,
        partitionMetadata: ids.map((partitionId) => ({ partitionId, leader: 0, replicas: [], isr: [], partitionErrorCode: 0 })),
        message: { key: record.key, value: null },
      });
      const lane = `${record.topic}/${partition}`;
      const group = groups.get(lane);
      if (group) group.push(record);
      else groups.set(lane, [record]);
    }
    await Promise.all([...groups].map(([lane, group]) => push(lane, group)));
  };

  const lagOf = async (group: string, topics: readonly string[]): Promise<number> => {
    const stored = await admin.fetchOffsets({ groupId: group, topics: [...topics] });
    let lag = 0n;
    for (const { topic, partitions: positions } of stored) {
      for (const end of await admin.fetchTopicOffsets(topic)) {
        const position = positions.find((p) => p.partition === end.partition)?.offset ?? '-1';
        lag += BigInt(end.high) - BigInt(position === '-1' ? end.low : position);
      }
    }
    return Number(lag);
  };

  return {
    publish: (records) => connectedTo(() => publish(records)),
    consume(consumption: ConsumeOptions): Promise<Consumption> {
      const onError = (error: unknown): void => {
        onRefused(error);
        consumption.onError(error);
      };
      return telling(() => consumeKafka(kafka, { ...consumption, onError }));
    },
    readToEnd: (query) => connectedTo(() => readToEnd(kafka, admin, query)),
    ensureTopics: (names, settings) => connectedTo(() => ensureTopics(admin, names, settings)),
    lag: (group, topics) => connectedTo(() => lagOf(group, topics)),
    async close() {
      if (connected) await Promise.allSettled([producer.disconnect(), admin.disconnect()]);
    },
  };
};
