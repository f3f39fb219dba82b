import type { Cursor, RunnelError } from '@runnel/protocol';
import type { Outgoing } from './outgoing.ts';

/** Where a follower's events go: a WebSocket session, an SSE response, a `/v1` stream. Calls are synchronous and never throw. */
export interface Sink {
  /** The first read has answered: the follow stands. Called once, before any `send`. */
  opened(): void;
  /**
   * One event, in order and without a gap (W-7): `snapshot`, `live`, events of the log, `typing`, `presence`.
   * `logId` names the log a logged event belongs to, so that `logId:offset` is the reader's cursor after it.
   */
  send(event: Outgoing, logId: string | null): void;
  /**
   * A read failed. `retryable`: the hub tries again by itself and the follow stands.
   * Not retryable (`forbidden`): the follow is over; nothing comes after it.
   */
  failed(error: RunnelError): void;
}

export interface FollowRequest {
  conversationId: string;
  /** Checked against the conversation's owner by every read. */
  userId: string;
  /** The last event the reader has applied; null: start with a snapshot. */
  cursor: Cursor | null;
  sink: Sink;
}

/** A standing follow. */
export interface Follow {
  readonly conversationId: string;
  /** Whether the conversation's owner was checked and the follower is up to date. */
  readonly live: boolean;
  /** Idempotent; nothing is sent afterwards. */
  close(): void;
}
