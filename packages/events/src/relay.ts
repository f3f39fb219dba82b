import { fromOutbox, topicOf, type AuditEvent, type OutboxFields } from './audit-event.ts';
import type { EventRecord } from './event-bus.ts';

/** One entry of an outbox: its place in the stream and its fields. */
export interface OutboxEntry {
  entryId: string;
  fields: OutboxFields;
}

/** The outbox of all shards, as the run log's Redis holds it. */
export interface Outbox {
  /** Shards this process holds a lease on right now; others belong to other audit pods. */
  heldShards(): readonly number[];
  /** Oldest entries of a shard, in order. */
  read(shard: number, count: number): Promise<OutboxEntry[]>;
  /** Removes entries that are stored elsewhere for good. */
  trim(shard: number, entryIds: readonly string[]): Promise<void>;
}

export type Publish = (records: readonly EventRecord[]) => Promise<void>;

const encoder = new TextEncoder();

const toRecord = (event: AuditEvent): EventRecord => ({
  topic: topicOf(event.type),
  key: event.subject,
  value: encoder.encode(JSON.stringify(event)),
  headers: {
    'content-type': 'application/cloudevents+json',
    ce_id: event.id,
    ce_type: event.type,
    ...(event.traceparent && { traceparent: event.traceparent }),
  },
});

/** What a batch becomes: records to publish, and entries that cannot be read with the reason. Pure. */
export const prepare = (
  entries: readonly OutboxEntry[],
): { records: EventRecord[]; unreadable: { entry: OutboxEntry; reason: string }[] } => {
  const records: EventRecord[] = [];
  const unreadable: { entry: OutboxEntry; reason: string }[] = [];
  for (const entry of entries) {
    try {
      records.push(toRecord(fromOutbox(entry.fields)));
    } catch (error) {
      unreadable.push({ entry, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { records, unreadable };
};

/**
 * Moves one batch of one shard: publish first, trim second, so that a crash between the two sends again (readers drop what they
 * have by id) and never loses (P-9). Returns how many entries it moved.
 */
export const relayShard = async (
  outbox: Outbox,
  shard: number,
  publish: Publish,
  onUnreadable: (entry: OutboxEntry, reason: string) => Promise<void>,
  count = 500,
): Promise<number> => {
  const entries = await outbox.read(shard, count);
  if (entries.length === 0) return 0;
  const { records, unreadable } = prepare(entries);
  if (records.length > 0) await publish(records);
  for (const { entry, reason } of unreadable) await onUnreadable(entry, reason);
  await outbox.trim(
    shard,
    entries.map((e) => e.entryId),
  );
  return entries.length;
};
