import { fromOutbox, topicOf, type AuditEvent, type OutboxEntry } from '@runnel/protocol/audit';
import type { Delivery, EventRecord } from './event-bus.ts';

/** The outbox of all shards, as the run log's Redis holds it. */
export interface Outbox {
  /** Shards this process holds a lease on right now; others belong to other audit pods. */
  heldShards(): readonly number[];
  /** Oldest entries of a shard, in order. */
  read(shard: number, count: number): Promise<OutboxEntry[]>;
  /** Removes entries that are stored elsewhere for good. */
  trim(shard: number, entryIds: readonly string[]): Promise<void>;
}

/** As `EventBus.deliver`: tells of each record what became of it, and never rejects. */
export type Deliver = (records: readonly EventRecord[]) => Promise<readonly Delivery[]>;

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

interface Sendable {
  entry: OutboxEntry;
  record: EventRecord;
}

/** An entry that cannot go where the others go: no event of ours (then it has no record), or one that the target refuses. */
export interface Odd {
  entry: OutboxEntry;
  reason: string;
  record?: EventRecord;
}

/** What a batch becomes: records to deliver, and entries that cannot be read with the reason. Pure. */
const prepare = (entries: readonly OutboxEntry[]): { sendable: Sendable[]; odd: Odd[] } => {
  const sendable: Sendable[] = [];
  const odd: Odd[] = [];
  for (const entry of entries) {
    try {
      sendable.push({ entry, record: toRecord(fromOutbox(entry.fields)) });
    } catch (error) {
      odd.push({ entry, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { sendable, odd };
};

export interface Relayed {
  /** Entries that left the outbox. */
  moved: number;
  /** Entries read, and their size. */
  read: number;
  bytes: number;
  /** Why others stayed. */
  error?: unknown;
}

const sizeOf = ({ fields }: OutboxEntry): number => fields.data?.length ?? 0;

/**
 * Moves one batch of one shard: store first, trim second, so that a crash between the two sends again (readers drop what they
 * have by id) and never loses (P-9). Each entry for itself: what was stored leaves, whatever became of those beside it.
 */
export const relayShard = async (
  outbox: Outbox,
  shard: number,
  deliver: Deliver,
  setAside: (odd: Odd) => Promise<void>,
  count = 500,
): Promise<Relayed> => {
  const entries = await outbox.read(shard, count);
  if (entries.length === 0) return { moved: 0, read: 0, bytes: 0 };
  const { sendable, odd } = prepare(entries);
  const done: string[] = [];
  const errors: unknown[] = [];
  const deliveries = sendable.length > 0 ? await deliver(sendable.map(({ record }) => record)) : [];
  for (const [i, { entry, record }] of sendable.entries()) {
    const delivery = deliveries[i]!;
    if (delivery.outcome === 'stored') done.push(entry.entryId);
    else if (delivery.outcome === 'refused') odd.push({ entry, record, reason: delivery.reason });
    else errors.push(delivery.error);
  }
  for (const each of odd) {
    try {
      await setAside(each);
      done.push(each.entry.entryId);
    } catch (error) {
      errors.push(error);
    }
  }
  await outbox.trim(shard, done);
  const bytes = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
  return { moved: done.length, read: entries.length, bytes, ...(errors.length > 0 && { error: errors[0] }) };
};
