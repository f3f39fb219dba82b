import type { ReceivedRecord } from '@runnel/events';
import { contextOf, type Tracer } from '@runnel/kit';
import { decodeEvent, type AuditEvent } from '@runnel/protocol/audit';
import type { AuditMetrics } from '../metrics.ts';
import type { DeadLetter, DeadLetters } from './dead-letters.ts';
import { ForeignEvents } from '../store/ownership.ts';
import { checkContent } from '../store/rows.ts';

export interface Decoded {
  events: AuditEvent[];
  poison: DeadLetter[];
}

/** Splits a batch into events and what cannot be read. Pure. */
const decodeRecords = (records: readonly ReceivedRecord[]): Decoded => {
  const decoded: Decoded = { events: [], poison: [] };
  for (const record of records) {
    try {
      decoded.events.push(checkContent(decodeEvent(record.value ?? new Uint8Array())));
    } catch (error) {
      decoded.poison.push({
        topic: record.topic,
        key: record.key ?? '',
        value: record.value ?? new Uint8Array(),
        reason: error instanceof Error ? error.message : String(error),
        origin: `${record.topic}/${record.partition}@${record.kafkaOffset}`,
      });
    }
  }
  return decoded;
};

/** SQLite's own numbers for what is wrong with a row: too big, a constraint, a type, a parameter out of range. */
const SQLITE_ROW = new Set([18, 19, 20, 25]);

/**
 * Whether a failure is the row's fault and not the database's: SQLSTATE 22 (data), 23 (constraint) and 54 (larger than a limit), and
 * SQLite's words for the same. An event of another shape was found before (`checkContent`). Pure.
 */
export const isRowsFault = (error: unknown): boolean => {
  type Codes = { code?: unknown; errcode?: unknown };
  const { code, errcode } = (error as { driverError?: Codes }).driverError ?? (error as Codes);
  if (/^(2[23]|54)/.test(String(code ?? ''))) return true;
  // The low byte is the number, the others say more of it.
  return typeof errcode === 'number' && SQLITE_ROW.has(errcode & 0xff);
};

type Write = (events: readonly AuditEvent[]) => Promise<unknown>;
interface Refused {
  event: AuditEvent;
  reason: string;
}

/**
 * Stores a batch without what is not its conversation's owner's; when the database refuses a row for what it holds, halves it until
 * that row is alone. Returns the refused.
 */
const writeWhatFits = async (write: Write, events: readonly AuditEvent[]): Promise<Refused[]> => {
  try {
    await write(events);
    return [];
  } catch (error) {
    if (error instanceof ForeignEvents) {
      // A batch that was joined with this one may be meant; without its foreign events both can be stored.
      const [own, foreign] = [events.filter(({ id }) => !error.eventIds.has(id)), events.filter(({ id }) => error.eventIds.has(id))];
      return [...foreign.map((event) => ({ event, reason: error.message })), ...(await writeWhatFits(write, own))];
    }
    if (!isRowsFault(error)) throw error;
    if (events.length === 1) return [{ event: events[0]!, reason: `database: ${error instanceof Error ? error.message : String(error)}` }];
    const half = events.length >> 1;
    return [...(await writeWhatFits(write, events.slice(0, half))), ...(await writeWhatFits(write, events.slice(half)))];
  }
};

/** The last span of what a command began; of events whose command was traced. */
const traceStored = (tracer: Tracer, { type, subject, traceparent }: AuditEvent, group: string, startTime: number): void => {
  if (traceparent === undefined) return;
  const attributes = { 'runnel.event': type, 'runnel.conversation': subject, 'runnel.group': group };
  tracer.startSpan('runnel.store', { attributes, startTime }, contextOf(traceparent)).end();
};

export interface IngestDeps {
  write: Write;
  deadLetters: DeadLetters;
  metrics: AuditMetrics;
  group: string;
  /** This group's rows are what people see: how long each event took to get there is measured. */
  visible?: boolean;
  tracer?: Tracer | undefined;
}

/** Stores a batch off Kafka: rows first, then dead letters; the position moves only when both are safe. */
export const createIngest =
  ({ write, deadLetters, metrics, group, visible = false, tracer }: IngestDeps) =>
  async (records: readonly ReceivedRecord[]): Promise<void> => {
    const { events, poison } = decodeRecords(records);
    const stop = metrics.batchSeconds.startTimer({ group });
    const startTime = Date.now();
    const refused = await writeWhatFits(write, events);
    stop();
    if (tracer) for (const event of events) traceStored(tracer, event, group, startTime);
    metrics.events.inc({ group }, events.length - refused.length);
    const now = Date.now();
    if (visible) for (const { time } of events) metrics.visibleSeconds.observe(Math.max(0, now - Date.parse(time)) / 1000);
    const letters = [
      ...poison,
      ...refused.map(({ event, reason }): DeadLetter => {
        const value = new TextEncoder().encode(JSON.stringify(event));
        return { topic: records[0]!.topic, key: event.subject, value, reason: reason.slice(0, 300), origin: event.id };
      }),
    ];
    if (letters.length === 0) return;
    await deadLetters.put(letters);
    metrics.deadLetters.inc(letters.length);
  };
