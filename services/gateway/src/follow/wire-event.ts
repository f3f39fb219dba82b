import type { LiveEvent, ServerEvent, SnapshotEvent } from '@runnel/protocol';

/**
 * One event on its way to readers: the bytes to send, and what routing and merging must know without parsing them.
 * Made once per event and shared by every reader; never changed (L-3).
 */
export interface Outgoing {
  type: string;
  /** Empty for what belongs to no conversation (`welcome`, `draining`, …). */
  conversationId: string;
  /** Offset in the log; for `snapshot` and `live` the offset they stand at; 0 for everything else. */
  offset: number;
  /** Incarnation of the log the event belongs to; null where there is none, or none is known. */
  logId: string | null;
  /** Whether it is an event of the log, whose offset a reader counts. */
  logged: boolean;
  /** The JSON as UTF-8. */
  bytes: Buffer;
}

/** An answer or hint outside every log. */
export const control = (event: Exclude<ServerEvent, SnapshotEvent | LiveEvent>): Outgoing => ({
  type: event.type,
  conversationId: 'conversationId' in event ? event.conversationId : '',
  offset: 0,
  logId: null,
  logged: false,
  bytes: Buffer.from(JSON.stringify(event)),
});

/** A `snapshot` or `live`: where the reader stands after it. */
export const position = (event: SnapshotEvent | LiveEvent): Outgoing => ({
  type: event.type,
  conversationId: event.conversationId,
  offset: event.offset,
  logId: event.logId,
  logged: false,
  bytes: Buffer.from(JSON.stringify(event)),
});

/** An event of the log, as it was published or read. */
export const logged = (type: string, conversationId: string, offset: number, logId: string | null, bytes: Buffer): Outgoing => ({
  type,
  conversationId,
  offset,
  logId,
  logged: true,
  bytes,
});

/** `typing`, `presence`: published bytes outside every log. */
export const hint = (type: string, conversationId: string, bytes: Buffer): Outgoing => ({
  type,
  conversationId,
  offset: 0,
  logId: null,
  logged: false,
  bytes,
});
