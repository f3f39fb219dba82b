import type { ListEvent } from './list-event.ts';
import type { ErrorCode } from './errors.ts';
import type { FrameId } from './frames.ts';
import type { EndReason, Finish, Message, Receipt, Trimmed, Usage } from './message.ts';
import type { Part, PartField, PartsSum } from './parts.ts';

/** What every event of the log has. The event with offset 1 also names the log. */
interface Logged {
  conversationId: string;
  offset: number;
  /** First offset covered, when chunks were merged (W-14). Absent means `offset`. */
  from?: number;
  /** Only on the event with offset 1. */
  logId?: string;
}

export interface MessageEvent extends Logged {
  type: 'message';
  message: Message;
}
export interface MessageDeletedEvent extends Logged {
  type: 'message-deleted';
  messageId: string;
}
export interface RunStartedEvent extends Logged {
  type: 'run-started';
  runId: string;
  parentId: string | null;
  model: string;
  epoch: number;
  /** What of the conversation was left out, so that the rest fits its model. */
  trimmed?: Trimmed;
  /** Of the second one of a run, when another model answers in the place of this one. */
  requestedModel?: string;
  startedAt: number;
}
export interface ChunkEvent extends Logged {
  type: 'chunk';
  runId: string;
  /** UTF-8 byte position in the run's text at which `text` is appended. */
  at: number;
  /** When the model gave the first byte of `text`, by the ai pod's clock (ms). */
  t: number;
  text: string;
}
export interface RunMovedEvent extends Logged {
  type: 'run-moved';
  runId: string;
  epoch: number;
  /** How much of the text stands; 0 when the run had to start again. */
  bytes: number;
  restarted: boolean;
}
/** Why a run failed. `retryAfterMs`, `status` and `providerCode` are its provider's own, where it answered with an error. */
export interface RunError {
  code: ErrorCode;
  message: string;
  retryAfterMs?: number;
  status?: number;
  providerCode?: string;
}
export interface RunEndedEvent extends Logged {
  type: 'run-ended';
  runId: string;
  reason: EndReason;
  bytes: number;
  /** Hex digest of the whole text in UTF-8. */
  sha256: string;
  /** Absent where the model was stopped (a cancel, a drain), and in what older pods wrote. */
  finish?: Finish;
  usage?: Usage;
  error?: RunError;
  cancel?: { requestedAt: number; stoppedAt: number };
  /** Absent without parts. */
  parts?: PartsSum;
  /** Of a whole answer. */
  receipt?: Receipt;
  endedAt: number;
}
/** A part appears, or its state or fields changed: the whole part, without what is streamed of it. */
export interface PartEvent extends Logged {
  type: 'part';
  runId: string;
  part: Part;
}
export interface PartChunkEvent extends Logged {
  type: 'part-chunk';
  runId: string;
  partId: string;
  field: PartField;
  /** UTF-8 byte position in that field at which `text` is appended. */
  at: number;
  /** As of a chunk. */
  t: number;
  text: string;
}
/** Nobody holds the run; it goes on when each of these is decided. */
export interface RunWaitingEvent extends Logged {
  type: 'run-waiting';
  runId: string;
  partIds: string[];
}
export interface TitleEvent extends Logged {
  type: 'title';
  title: string;
}

/** Events of the log: ordered, gap-free, the same bytes for every reader. */
export type LogEvent =
  | MessageEvent
  | MessageDeletedEvent
  | RunStartedEvent
  | ChunkEvent
  | PartEvent
  | PartChunkEvent
  | RunWaitingEvent
  | RunMovedEvent
  | RunEndedEvent
  | TitleEvent;

/** A running answer as a snapshot carries it. */
export interface RunSnapshot {
  runId: string;
  parentId: string | null;
  model: string;
  epoch: number;
  text: string;
  startedAt: number;
  trimmed?: Trimmed;
  requestedModel?: string;
  parts?: readonly Part[];
  /** Parts that somebody has to decide before it goes on. */
  waiting?: readonly string[];
}

export interface SnapshotEvent {
  type: 'snapshot';
  conversationId: string;
  logId: string | null;
  offset: number;
  title: string;
  /** The newest 50 of all branches, in order of creation (W-12). */
  messages: Message[];
  run: RunSnapshot | null;
  hasMore: boolean;
}

export interface LiveEvent {
  type: 'live';
  conversationId: string;
  logId: string | null;
  offset: number;
}
export interface TypingEvent {
  type: 'typing';
  conversationId: string;
  userId: string;
  active: boolean;
}
export interface PresenceEvent {
  type: 'presence';
  conversationId: string;
  /** Who has it open. */
  users: string[];
  /** On how many screens (sockets and streams that follow it), over all gateways, at most 100; absent from older gateways. */
  devices?: number;
}
/** Where in line a run stands that no pod has taken yet. */
export interface QueuedRunEvent {
  type: 'queued-run';
  conversationId: string;
  runId: string;
  /** From 1; 0: it waits no longer. */
  place: number;
}
export interface DrainingEvent {
  type: 'draining';
  reconnectInMs: number;
}
export interface WelcomeEvent {
  type: 'welcome';
  protocol: number;
  node: string;
  userId: string;
  heartbeatMs: number;
  limits: { textChars: number; frameBytes: number; promptsPerMinute: number };
}
export interface OkEvent {
  type: 'ok';
  id?: FrameId;
  runId?: string;
  offset?: number;
  duplicate?: boolean;
  outcome?: 'cancelling' | 'already-ended' | 'decided' | 'already-decided' | 'stale';
}
export interface ErrorEvent {
  type: 'error';
  id?: FrameId;
  code: ErrorCode;
  message: string;
  retryable: boolean;
  retryAfterMs?: number;
  /** `rate-limited`: which budget is used up. */
  limit?: string;
  runId?: string;
}
export interface PongEvent {
  type: 'pong';
  id?: FrameId;
  t?: number;
}

/** Everything a server may send. */
export type ServerEvent =
  | LogEvent
  | SnapshotEvent
  | LiveEvent
  | TypingEvent
  | PresenceEvent
  | QueuedRunEvent
  | ListEvent
  | DrainingEvent
  | WelcomeEvent
  | OkEvent
  | ErrorEvent
  | PongEvent;

const LOG_TYPES: ReadonlySet<string> = new Set([
  'message',
  'message-deleted',
  'run-started',
  'chunk',
  'part',
  'part-chunk',
  'run-waiting',
  'run-moved',
  'run-ended',
  'title',
] satisfies LogEvent['type'][]);

/** An event of the log by shape, also of a type this version does not know: its offset still counts. */
export const isLogged = (event: { type: string; offset?: unknown }): event is LogEvent =>
  LOG_TYPES.has(event.type) ||
  (typeof event.offset === 'number' && event.type !== 'snapshot' && event.type !== 'live' && event.type !== 'ok');
