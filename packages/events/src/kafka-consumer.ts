import { randomUUID } from 'node:crypto';
import type { Admin, Consumer, EachBatchPayload, IHeaders, Kafka } from 'kafkajs';
import type { ConsumeOptions, Consumption, ReadToEnd, ReceivedRecord } from './event-bus.ts';

const headersOf = (headers: IHeaders | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(Array.isArray(value) ? value[0] : (value ?? ''))]));

const received = ({ batch }: EachBatchPayload): ReceivedRecord[] =>
  batch.messages.map((m) => ({
    topic: batch.topic,
    partition: batch.partition,
    kafkaOffset: m.offset,
    key: m.key?.toString('utf8') ?? null,
    value: m.value,
    // Made when asked for: only dead letters are.
    get headers() {
      return headersOf(m.headers);
    },
  }));

const BEAT_MS = 2_000;

/**
 * Partitions handled at a time: both topics' three. kafkajs fetches again only when everything of a fetch is handled, and the writer joins
 * what comes at once, so that an answer is stored together with its question.
 */
const AT_ONCE = 6;

/**
 * A fetch waits for so much, or for its longest time: a fetch, a transaction and a commit of the position cost as much for one event as for
 * a hundred, and at a hundred events a second there was one of each for nearly every event.
 */
const FETCH_BYTES = 64 * 1024;

const createConsumer = (kafka: Kafka, groupId: string): Consumer =>
  kafka.consumer({
    groupId,
    sessionTimeout: 10_000,
    heartbeatInterval: BEAT_MS,
    rebalanceTimeout: 10_000,
    // The default of 5 s blocks rebalances and shutdown for as long.
    maxWaitTimeInMs: 500,
    minBytes: FETCH_BYTES,
    maxBytesPerPartition: 4 * 1024 * 1024,
  });

/** A consumer whose position is committed only after the handler has stored the batch; so records come at least once. */
export const consumeKafka = async (kafka: Kafka, options: ConsumeOptions): Promise<Consumption> => {
  const consumer = createConsumer(kafka, options.group);
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    options.onError(payload.error);
    // kafkajs starts again by itself after errors it takes for passing; after any other it stays silent for ever.
    if (!payload.restart) options.onFatal(payload.error);
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [...options.topics], fromBeginning: options.fromBeginning });
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: AT_ONCE,
    eachBatch: async (payload) => {
      const { batch, heartbeat, isRunning, isStale } = payload;
      if (!isRunning() || isStale()) return;
      const beating = setInterval(() => void heartbeat().catch(() => undefined), BEAT_MS);
      try {
        await options.handle(received(payload));
      } finally {
        clearInterval(beating);
      }
      await consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset: after(batch.lastOffset()) }]);
      payload.resolveOffset(batch.lastOffset());
    },
  });
  return { stop: () => consumer.disconnect() };
};

const after = (offset: string): string => String(BigInt(offset) + 1n);

/** Reads from a group's position (or the beginning) to where the topics end now, and resolves. */
export const readToEnd = async (kafka: Kafka, admin: Admin, query: ReadToEnd): Promise<void> => {
  const groupId = query.group ?? `runnel-reader-${randomUUID()}`;
  const stored = query.group === undefined ? [] : await admin.fetchOffsets({ groupId, topics: [...query.topics] });
  const open = new Map<string, bigint>();
  let total = 0;
  for (const topic of query.topics) {
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      const position = stored.find((s) => s.topic === topic)?.partitions.find((p) => p.partition === partition)?.offset ?? '-1';
      const from = position === '-1' ? BigInt(low) : BigInt(position);
      if (from >= BigInt(high)) continue;
      open.set(`${topic}/${partition}`, BigInt(high));
      total += Number(BigInt(high) - from);
    }
  }
  query.onProgress?.(0, total);
  if (open.size === 0) return;
  const consumer = createConsumer(kafka, groupId);
  const finished = Promise.withResolvers<void>();
  let done = 0;
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) finished.reject(payload.error);
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...query.topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: AT_ONCE,
      eachBatch: async (payload) => {
        const { batch } = payload;
        const lane = `${batch.topic}/${batch.partition}`;
        const end = open.get(lane);
        if (end === undefined) return;
        const records = received(payload).filter((r) => BigInt(r.kafkaOffset) < end);
        await query.handle(records);
        if (query.commit)
          await consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset: after(batch.lastOffset()) }]);
        payload.resolveOffset(batch.lastOffset());
        await payload.heartbeat();
        query.onProgress?.((done += records.length), total);
        if (BigInt(after(batch.lastOffset())) >= end) open.delete(lane);
        if (open.size === 0) finished.resolve();
      },
    });
    await finished.promise;
  } finally {
    await consumer.disconnect();
    if (query.group === undefined) await admin.deleteGroups([groupId]).catch(() => undefined);
  }
};
