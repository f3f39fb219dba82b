import { Partitioners, type Admin, type Producer, type RecordMetadata } from 'kafkajs';
import type { ConsumeOptions, Consumption, Delivery, EventBus, EventRecord } from './event-bus.ts';
import { connectKafka, type KafkaOptions } from './kafka-client.ts';
import { consumeKafka, readToEnd } from './kafka-consumer.ts';
import { createRefusalLog, REFUSED_MS, refusalOf } from './kafka-refusal.ts';
import { isRecordsFault } from './kafka-record-fault.ts';
import { ensureTopics, RECORD_BYTES } from './kafka-topics.ts';
import { createLanes } from './lanes.ts';

export type { KafkaOptions } from './kafka-client.ts';

/** Records of one `send`; a topic that is not ours to change takes 1 MiB, so a batch is cut by size too. */
const BATCH_RECORDS = 1_000;
const BATCH_BYTES = 700_000;

/** A record on its way, and what became of it. */
interface Parcel {
  record: EventRecord;
  delivery?: Delivery;
}

const sizeOf = ({ key, value }: EventRecord): number => value.byteLength + key.length + 200;

/** Cuts a batch so that each part fits a request; a record larger than that is a part of its own. Pure. */
const partsOf = (parcels: readonly Parcel[], mostBytes = BATCH_BYTES): Parcel[][] => {
  const parts: Parcel[][] = [];
  let bytes = 0;
  for (const parcel of parcels) {
    const size = sizeOf(parcel.record);
    const part = parts.at(-1);
    if (!part || bytes + size > mostBytes) {
      parts.push([parcel]);
      bytes = size;
    } else {
      part.push(parcel);
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

  /** Sends one part; what Kafka refuses for its content is halved until the record at fault is alone. */
  const sendPart = async (topic: string, partition: number, part: readonly Parcel[]): Promise<void> => {
    try {
      const messages = part.map(({ record: { key, value, headers } }) => ({
        ...{ key, value: Buffer.from(value), partition },
        ...(headers && { headers }),
      }));
      const acknowledged: RecordMetadata[] = await producer.send({ topic, acks: -1, messages });
      if (!acknowledged.some((a) => a.partition === partition && a.errorCode === 0)) {
        throw new Error(`Kafka's answer lacks partition ${partition} of ${topic}`);
      }
      for (const parcel of part) parcel.delivery = { outcome: 'stored' };
    } catch (error) {
      if (!isRecordsFault(error)) throw error;
      if (part.length === 1) {
        part[0]!.delivery = { outcome: 'refused', reason: error instanceof Error ? error.message : String(error) };
        return;
      }
      const half = part.length >> 1;
      await sendPart(topic, partition, part.slice(0, half));
      await sendPart(topic, partition, part.slice(half));
    }
  };
  const push = createLanes<Parcel>(async (lane, parcels) => {
    const slash = lane.lastIndexOf('/');
    for (const part of partsOf(parcels)) await sendPart(lane.slice(0, slash), Number(lane.slice(slash + 1)), part);
  }, BATCH_RECORDS);

  const laneOf = async ({ topic, key }: EventRecord): Promise<string> => {
    const ids = await partitionsOf(topic);
    const partition = partitionOf({
      topic,
      partitionMetadata: ids.map((partitionId) => ({ partitionId, leader: 0, replicas: [], isr: [], partitionErrorCode: 0 })),
      message: { key, value: null },
    });
    return `${topic}/${partition}`;
  };

  const deliver = async (records: readonly EventRecord[]): Promise<Delivery[]> => {
    const parcels = records.map((record): Parcel => ({ record }));
    const groups = new Map<string, Parcel[]>();
    const failed = (group: readonly Parcel[], error: unknown): void => {
      // A lane sends others' records with ours: those of ours that Kafka took before it failed are stored.
      for (const parcel of group) parcel.delivery ??= { outcome: 'failed', error };
    };
    try {
      await connectedTo(async () => {});
    } catch (error) {
      failed(parcels, error);
    }
    for (const parcel of parcels) {
      if (parcel.delivery) continue;
      if (sizeOf(parcel.record) > RECORD_BYTES) {
        parcel.delivery = { outcome: 'refused', reason: `${parcel.record.value.byteLength} bytes are too large for Kafka` };
        continue;
      }
      try {
        const lane = await laneOf(parcel.record);
        const group = groups.get(lane);
        if (group) group.push(parcel);
        else groups.set(lane, [parcel]);
      } catch (error) {
        onRefused(error);
        failed([parcel], error);
      }
    }
    const send = ([lane, group]: [string, Parcel[]]): Promise<void> =>
      push(lane, group).catch((error: unknown) => {
        onRefused(error);
        failed(group, error);
      });
    await Promise.all([...groups].map(send));
    return parcels.map(({ delivery }) => delivery!);
  };

  const publish = async (records: readonly EventRecord[]): Promise<void> => {
    for (const delivery of await deliver(records)) {
      if (delivery.outcome === 'refused') throw new Error(`Kafka refuses a record: ${delivery.reason}`);
      if (delivery.outcome === 'failed') throw delivery.error;
    }
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
    publish,
    deliver,
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
