import { CHAT_TOPIC, DEAD_LETTER_TOPIC, STREAM_TOPIC, type Consumption, type EventBus } from '@runnel/events';
import { delay, fullJitter, type Closable, type Logger } from '@runnel/kit';
import type { AuditMetrics } from './audit-metrics.ts';
import type { AuditConfig } from './config.ts';
import type { DeadLetters } from './dead-letters.ts';
import { createIngest } from './ingest.ts';
import type { AuditTables } from './tables.ts';

export const TOPICS = [CHAT_TOPIC, STREAM_TOPIC];
export const TRAIL_GROUP = 'audit-trail';
export const ANALYTICS_GROUP = 'analytics';

const LAG_EVERY_MS = 5_000;

export interface ConsumersDeps {
  bus: EventBus;
  tables: AuditTables;
  deadLetters: DeadLetters;
  metrics: AuditMetrics;
  config: AuditConfig;
  log: Logger;
  onFatal(error: unknown): void;
}

/**
 * Both consumer groups. Kafka may be down when the pod starts: history is served meanwhile, and this tries again until it is there.
 */
export const startConsumers = (deps: ConsumersDeps): Closable => {
  const { bus, tables, deadLetters, metrics, config, log, onFatal } = deps;
  const stop = new AbortController();
  const running: Consumption[] = [];

  const consume = async (group: string, write: Parameters<typeof createIngest>[0]['write'], letters: DeadLetters): Promise<void> => {
    running.push(
      await bus.consume({
        group,
        topics: TOPICS,
        fromBeginning: true,
        handle: createIngest({ write, deadLetters: letters, metrics, group }),
        onError: (error) => log.warn({ event: 'kafka.consumer', group, message: String(error) }),
        onFatal,
      }),
    );
  };
  const begin = async (): Promise<void> => {
    const settings = { partitions: config.kafkaPartitions, retentionMs: config.kafkaRetentionMs };
    for (const { topic, warnings } of await bus.ensureTopics([...TOPICS, DEAD_LETTER_TOPIC], settings)) {
      if (warnings.length > 0) log.warn({ event: 'kafka.topic-differs', topic, warnings });
    }
    await consume(TRAIL_GROUP, (events) => tables.writer.write(events), deadLetters);
    // The other group has put them aside already.
    const nobody: DeadLetters = { put: async () => {}, list: async () => [], retry: async () => ({ stored: 0, left: 0 }) };
    const count = async (events: Parameters<typeof tables.analytics.write>[0]): Promise<void> => {
      await tables.analytics.write(events);
      for (const { type, data } of events) {
        if (type.startsWith('STREAM_') && typeof data['reason'] === 'string') metrics.runs.inc({ reason: data['reason'] });
      }
    };
    await consume(ANALYTICS_GROUP, count, nobody);
  };
  const run = async (): Promise<void> => {
    for (let attempt = 0; !stop.signal.aborted; attempt++) {
      try {
        await begin();
        break;
      } catch (error) {
        log.warn({ event: 'kafka.not-there', attempt, message: String(error) });
        await Promise.allSettled(running.splice(0).map((consumption) => consumption.stop()));
        await delay(fullJitter({ attempt, baseMs: 200, maxMs: 5_000 }), stop.signal);
      }
    }
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
  void run();
  return {
    name: 'consumers',
    async close() {
      stop.abort();
      await Promise.allSettled(running.map((consumption) => consumption.stop()));
    },
  };
};
