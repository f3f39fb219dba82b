import type { Consumer, EachBatchPayload, IHeaders, Kafka } from 'kafkajs';
import type { ConsumeOptions, Consumption, ReceivedRecord } from './event-bus.ts';

const headersOf = (headers: IHeaders | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(Array.isArray(value) ? value[0] : (value ?? ''))]));

const received = ({ batch }: EachBatchPayload): ReceivedRecord[] =>
  batch.messages.map((m) => ({
    topic: batch.topic,
    partition: batch.partition,
    kafkaOffset: m.offset,
    key: m.key?.toString('utf8') ?? null,
    value: m.value,
    headers: headersOf(m.headers),
  }));

/** A consumer whose position is committed only after the handler has stored the batch; so records come at least once. */
export const consumeKafka = async (kafka: Kafka, options: ConsumeOptions): Promise<Consumption> => {
  const consumer: Consumer = kafka.consumer({
    groupId: options.group,
    sessionTimeout: 10_000,
    heartbeatInterval: 2_000,
    rebalanceTimeout: 10_000,
    // The default of 5 s blocks rebalances and shutdown for as long.
    maxWaitTimeInMs: 500,
    maxBytesPerPartition: 4 * 1024 * 1024,
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => options.onError(payload.error));
  await consumer.connect();
  await consumer.subscribe({ topics: [...options.topics], fromBeginning: options.fromBeginning });
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: 3,
    eachBatch: async (payload) => {
      const { batch, heartbeat, isRunning, isStale } = payload;
      if (!isRunning() || isStale()) return;
      const beating = setInterval(() => void heartbeat().catch(() => undefined), 2_000);
      try {
        await options.handle(received(payload));
      } finally {
        clearInterval(beating);
      }
      const next = String(BigInt(batch.lastOffset()) + 1n);
      await consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset: next }]);
      payload.resolveOffset(batch.lastOffset());
    },
  });
  return {
    stop: async () => {
      await consumer.disconnect();
    },
  };
};
