import { DEAD_LETTER_TOPIC, decodeEvent, type AuditEvent, type EventBus, type ReceivedRecord } from '@runnel/events';
import type { Logger } from '@runnel/kit';
import type { AuditStore } from './store.ts';

export interface Decoded {
  events: AuditEvent[];
  poison: { record: ReceivedRecord; reason: string }[];
}

/** Splits a batch into events and what cannot be read. Pure. */
export const decodeRecords = (records: readonly ReceivedRecord[]): Decoded => {
  const decoded: Decoded = { events: [], poison: [] };
  for (const record of records) {
    try {
      decoded.events.push(decodeEvent(record.value ?? new Uint8Array()));
    } catch (error) {
      decoded.poison.push({ record, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return decoded;
};

/** Stores a batch off Kafka: rows first, then dead letters; the position moves only when both are safe. */
export const createIngest =
  (store: AuditStore, bus: EventBus, log: Logger) =>
  async (records: readonly ReceivedRecord[]): Promise<void> => {
    const { events, poison } = decodeRecords(records);
    await store.write(events);
    if (poison.length === 0) return;
    await bus.publish(
      poison.map(({ record, reason }) => ({
        topic: DEAD_LETTER_TOPIC,
        key: record.key ?? '',
        value: record.value ?? new Uint8Array(),
        headers: { ...record.headers, reason, topic: record.topic, partition: String(record.partition), kafkaOffset: record.kafkaOffset },
      })),
    );
    log.warn({ event: 'audit.dead-letters', count: poison.length });
  };
