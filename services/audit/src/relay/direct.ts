import type { Deliver, EventRecord } from '@runnel/events';
import type { Tracer } from '@runnel/kit';
import type { AuditMetrics } from '../metrics.ts';
import { tableDeadLetters, type DeadLetters } from '../ingest/dead-letters.ts';
import { createIngest } from '../ingest/ingest.ts';
import type { AuditTables } from '../audit-database.ts';

/** Both readers of a batch: the trail first, then the statistics, which may count a batch again without harm. */
export const writeBoth =
  ({ writer, analytics }: Pick<AuditTables, 'writer' | 'analytics'>) =>
  async (events: Parameters<AuditTables['analytics']['write']>[0]): Promise<void> => {
    await writer.write(events);
    await analytics.write(events);
  };

/**
 * Without Kafka: a batch goes from the outbox straight into the tables, and leaves the outbox after that. With it, `store` takes what
 * Kafka refuses.
 */
export const createDirect = (
  tables: AuditTables,
  metrics: AuditMetrics,
  tracer?: Tracer,
): { deliver: Deliver; store(records: readonly EventRecord[]): Promise<void>; deadLetters: DeadLetters } => {
  const deadLetters = tableDeadLetters(tables.database);
  const ingest = createIngest({ write: writeBoth(tables), deadLetters, metrics, group: 'direct', visible: true, tracer });
  const store = (records: readonly EventRecord[]): Promise<void> =>
    ingest(
      records.map(({ topic, key, value, headers = {} }) => ({
        topic,
        key,
        value,
        headers,
        partition: 0,
        kafkaOffset: headers['ce_id'] ?? '',
      })),
    );
  const deliver: Deliver = async (records) => {
    try {
      await store(records);
      return records.map(() => ({ outcome: 'stored' }));
    } catch (error) {
      return records.map(() => ({ outcome: 'failed', error }));
    }
  };
  return { deliver, store, deadLetters };
};
