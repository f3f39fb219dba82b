import { isKafkaOutage, type EventBus } from '@runnel/events';
import { delay, fullJitter, withDeadline, type Closable, type Logger, type Tracer } from '@runnel/kit';
import { CHAT_TOPIC, DEAD_LETTER_TOPIC, isEnd, STREAM_TOPIC, type AuditEvent } from '@runnel/protocol/audit';
import type { AuditMetrics } from '../metrics.ts';
import type { AuditConfig } from '../config.ts';
import type { DeadLetters } from './dead-letters.ts';
import { createIngest } from './ingest.ts';
import type { AuditTables } from '../audit-database.ts';

export const TOPICS = [CHAT_TOPIC, STREAM_TOPIC];
const TRAIL_GROUP = 'audit-trail';
const ANALYTICS_GROUP = 'analytics';

const LAG_EVERY_MS = 5_000;
/** A consumer that held so long was well. */
const STEADY_MS = 30_000;

type Write = (events: readonly AuditEvent[]) => Promise<unknown>;

export interface ConsumersDeps {
  bus: EventBus;
  tables: AuditTables;
  deadLetters: DeadLetters;
  metrics: AuditMetrics;
  config: AuditConfig;
  log: Logger;
  tracer?: Tracer | undefined;
  onFatal(error: unknown): void;
}

/**
 * Both consumer groups. Kafka may be down when the pod starts: history is served meanwhile, and this tries again until it is there.
 */
export const startConsumers = (deps: ConsumersDeps): Closable => {
  const { bus, tables, deadLetters, metrics, config, log, tracer, onFatal } = deps;
  const stop = new AbortController();
  const stopped = new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve(), { once: true }));

  /** Consumes until the consumer dies of an outage, and rejects with it; resolves when stopped. */
  const consumeOnce = async (group: string, write: Write, letters: DeadLetters): Promise<void> => {
    await Promise.race([prepare(), stopped]);
    if (stop.signal.aborted) return;
    const dead = Promise.withResolvers<never>();
    // It may die before anybody waits for that.
    dead.promise.catch(() => undefined);
    const starting = bus.consume({
      group,
      topics: TOPICS,
      fromBeginning: true,
      handle: createIngest({ write, deadLetters: letters, metrics, group, visible: group === TRAIL_GROUP, tracer }),
      onError: (error) => log.warn({ event: 'kafka.consumer', group, message: String(error) }),
      onFatal: (error) => (isKafkaOutage(error) ? dead.reject(error) : onFatal(error)),
    });
    // A Kafka that is not there is waited for by its client, for a minute; an end is not.
    const consumption = await Promise.race([starting, stopped]);
    if (!consumption) return void starting.then((late) => late.stop()).catch(() => undefined);
    try {
      await Promise.race([dead.promise, stopped]);
    } finally {
      await consumption.stop().catch(() => undefined);
    }
  };
  const prepare = async (): Promise<void> => {
    const settings = { partitions: config.kafkaPartitions, retentionMs: config.kafkaRetentionMs };
    for (const { topic, warnings } of await bus.ensureTopics([...TOPICS, DEAD_LETTER_TOPIC], settings)) {
      if (warnings.length > 0) log.warn({ event: 'kafka.topic-differs', topic, warnings });
    }
  };
  const consume = async (group: string, write: Write, letters: DeadLetters): Promise<void> => {
    for (let attempt = 0; !stop.signal.aborted; attempt++) {
      const startedAt = performance.now();
      try {
        await consumeOnce(group, write, letters);
      } catch (error) {
        if (performance.now() - startedAt > STEADY_MS) attempt = 0;
        log.warn({ event: 'kafka.not-there', group, attempt, message: String(error) });
        await delay(fullJitter({ attempt, baseMs: 200, maxMs: 5_000 }), stop.signal);
      }
    }
  };
  // The other group has put them aside already.
  const nobody: DeadLetters = { put: async () => {}, list: async () => [], retry: async () => ({ stored: 0, left: 0 }) };
  const count: Write = async (events) => {
    await tables.analytics.write(events);
    for (const event of events) if (isEnd(event)) metrics.runs.inc({ reason: event.data.reason });
  };
  const watchLag = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      for (const group of [TRAIL_GROUP, ANALYTICS_GROUP]) {
        await bus.lag(group, TOPICS).then(
          (lag) => metrics.lag.set({ group }, lag),
          () => undefined,
        );
      }
      await delay(LAG_EVERY_MS, stop.signal);
    }
  };
  const write: Write = (events) => tables.writer.write(events);
  const loops = Promise.all([consume(TRAIL_GROUP, write, deadLetters), consume(ANALYTICS_GROUP, count, nobody)]);
  void watchLag();
  return {
    name: 'consumers',
    async close() {
      stop.abort();
      await withDeadline(loops, config.drainMs, () => undefined);
    },
  };
};
