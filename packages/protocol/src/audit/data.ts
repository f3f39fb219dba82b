import { Type, type Static } from 'typebox';
import { PART_KINDS, PART_STATES } from '../parts.ts';
import { FINISHES, type EndReason, type MessageStatus, type Role } from '../message.ts';

// The `data` of each audit event, as the scripts of the run log write it. 0.1.0 wrote the same without the optional fields: an event
// of any release since then is read with these schemas, and a change that 0.1.0 would not fit is a new `dataversion`.

const Name = Type.String({ minLength: 1 });
const NameOrNull = Type.Union([Name, Type.Null()]);
/** A whole number that a 64-bit column takes and JavaScript keeps exactly: a time in ms, bytes, an epoch, a count. */
const Whole = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

const ROLES = ['user', 'assistant', 'system'] as const satisfies readonly Role[];
const REASONS = ['complete', 'cancelled', 'failed', 'interrupted'] as const satisfies readonly EndReason[];
const STATUSES = [...REASONS, 'deleted'] as const satisfies readonly MessageStatus[];

/** What of a conversation a model did not get, for it had no room. */
export const Trimmed = Type.Object({ messages: Whole, tokens: Type.Integer({ ...Whole, description: 'About' }) });

/** What the provider counted, or what was estimated where it counted nothing. */
export const UsageSchema = Type.Object({
  promptTokens: Whole,
  completionTokens: Whole,
  estimated: Type.Optional(Type.Boolean({ description: 'Some or all of it is an estimate: a token for four bytes' })),
});

/** What proves a whole answer and says how it came to be. */
export const ReceiptSchema = Type.Object({
  sha256: Type.String({ description: 'Of the whole text in UTF-8, hexadecimal' }),
  bytes: Whole,
  usage: Type.Optional(UsageSchema),
  firstWordMs: Type.Optional(Type.Integer({ ...Whole, description: 'From the start of the run; absent after a takeover' })),
  durationMs: Whole,
  nodes: Type.Array(Type.String(), { description: 'The pods that wrote it, in order' }),
});

/** A message as people read it: the same in the log, in history and in the trail. */
export const MessageSchema = Type.Object({
  messageId: Name,
  parentId: NameOrNull,
  role: Type.Enum(ROLES),
  text: Type.String(),
  status: Type.Enum(STATUSES, { description: '`deleted`: the text is gone, the place in the tree stays' }),
  finish: Type.Optional(Type.String({ description: `How the model stopped: ${FINISHES.join(', ')}, or a word of a later release` })),
  model: Type.Optional(Type.String()),
  requestedModel: Type.Optional(Type.String({ description: 'What was asked for, where another model answered' })),
  createdAt: Type.Integer({ ...Whole, description: 'ms since the epoch' }),
  trimmed: Type.Optional(Trimmed),
  author: Type.Optional(Type.String()),
  usage: Type.Optional(UsageSchema),
  receipt: Type.Optional(ReceiptSchema),
});

const User = { userId: Name };
const Run = { ...User, runId: Name };

/** The end of a run. `owner` is null when no pod ever claimed it, and absent when a pod wrote an end again that the store had lost. */
const Ended = Type.Object({
  ...Run,
  parentId: NameOrNull,
  model: Type.String(),
  epoch: Whole,
  owner: Type.Optional(NameOrNull),
  startedAt: Whole,
  restored: Type.Optional(Type.Boolean()),
  cancelledBy: Type.Optional(NameOrNull),
  reason: Type.Enum(REASONS),
  bytes: Whole,
  sha256: Type.String({ description: 'Of the whole text in UTF-8, hexadecimal' }),
  finish: Type.Optional(Type.String()),
  usage: Type.Optional(UsageSchema),
  error: Type.Optional(
    Type.Object({
      code: Type.String(),
      message: Type.String(),
      retryAfterMs: Type.Optional(Type.Number()),
      status: Type.Optional(Whole),
      providerCode: Type.Optional(Type.String()),
    }),
  ),
  cancel: Type.Optional(Type.Object({ requestedAt: Whole, stoppedAt: Whole })),
  parts: Type.Optional(Type.Object({ count: Whole, sha256: Type.String() })),
  receipt: Type.Optional(ReceiptSchema),
  endedAt: Whole,
  text: Type.String(),
});

const Moved = { ...Run, epoch: Whole, bytes: Whole, restarted: Type.Boolean(), owner: NameOrNull };

/** By `kind`: another pod took a run over, its owner wrote a lost log again, or the database's copy came back into the store. */
export const RECOVERIES = {
  claim: Type.Object({ ...Moved, kind: Type.Literal('claim') }),
  restore: Type.Object({
    ...Moved,
    kind: Type.Literal('restore'),
    title: Type.String(),
    parentId: NameOrNull,
    model: Type.String(),
    startedAt: Whole,
    part: Type.Optional(Type.Integer({ minimum: 2, description: 'Of a long conversation: the second event and those after it' })),
    messages: Type.Array(MessageSchema),
  }),
  rehydrate: Type.Object({
    ...User,
    kind: Type.Literal('rehydrate'),
    count: Whole,
    runId: Type.Optional(Type.String({ description: 'The answer that waits for a person and came back with it' })),
  }),
  merge: Type.Object({ ...User, kind: Type.Literal('merge'), count: Whole }),
};

/** What the trail says of a part. `text`: JSON of the whole part, where the tables that people read keep it; absent while it is made. */
const PartFacts = {
  ...Run,
  partId: Name,
  index: Whole,
  kind: Type.Enum(PART_KINDS),
  state: Type.Enum(PART_STATES),
  tool: Type.Optional(Type.String({ description: 'server__name' })),
  attempt: Type.Optional(Whole),
  code: Type.Optional(Type.String({ description: 'Of its error' })),
  file: Type.Optional(
    Type.Object(
      { fileId: Name, mediaType: Type.String(), bytes: Whole, sha256: Type.String() },
      { description: 'Never its name or content' },
    ),
  ),
  text: Type.Optional(Type.String()),
};

/** What a person sets for themselves: where a conversation stands in their list, thumbs, prompts of their own, choices of the page. */
export const RecordKinds = Type.Enum(['place', 'feedback', 'prompt', 'setting']);
export type RecordKind = Static<typeof RecordKinds>;

const AdminAct = Type.Object({
  ...User,
  target: Type.Optional(Type.String({ description: 'Whose' })),
  conversation: Type.Optional(Type.String()),
  query: Type.Optional(Type.String()),
});

/** By the event's type. The words stand here only. */
export const AUDIT_DATA = {
  SESSION_STARTED: Type.Object({
    ...User,
    title: Type.String(),
    forkedFrom: Type.Optional(
      Type.Object({ conversationId: Name, messageId: Name }, { description: 'It began as a branch of this one, up to this message' }),
    ),
  }),
  CHAT_MESSAGE: Type.Object({ ...User, message: MessageSchema }),
  STREAM_STARTED: Type.Object({
    ...Run,
    parentId: NameOrNull,
    model: Type.String(),
    trimmed: Type.Optional(Trimmed),
    requestedModel: Type.Optional(Type.String({ description: 'What was asked for: said when another model is to answer in its place' })),
    continues: Type.Optional(Type.String({ description: 'The answer whose text this one begins with' })),
    startedAt: Whole,
  }),
  /** When pieces of an answer came: best effort, and no state change. `chunks`: offset of the event, ms since the start, bytes. */
  CHUNK_RECEIVED: Type.Object({
    ...Run,
    model: Type.String(),
    epoch: Whole,
    startedAt: Whole,
    batch: Whole,
    at: Whole,
    chunks: Type.Array(Type.Tuple([Whole, Whole, Whole])),
  }),
  PART_CHANGED: Type.Object(PartFacts),
  /** Somebody decided what a run waits for. `inputSha256`: of what they were shown. */
  PART_DECIDED: Type.Object({
    ...PartFacts,
    decision: Type.Enum(['approve', 'deny', 'answer', 'retry', 'skip']),
    decidedBy: Name,
    inputSha256: Type.Optional(Type.String()),
  }),
  /** Nobody holds the run until each of these parts is decided. */
  RUN_WAITING: Type.Object({
    ...Run,
    epoch: Whole,
    bytes: Whole,
    partIds: Type.Array(Name),
    text: Type.String(),
    // What another store needs to go on with it. Earlier releases did not say it.
    parentId: Type.Optional(NameOrNull),
    model: Type.Optional(Type.String()),
    startedAt: Type.Optional(Whole),
    parts: Type.Optional(Type.Integer({ ...Whole, description: 'How many the answer has' })),
    used: Type.Optional(Type.Object({ usage: UsageSchema, bytes: Whole }, { description: 'What it had cost, and how long its text was' })),
    trimmed: Type.Optional(Trimmed),
    requestedModel: Type.Optional(Type.String()),
    base: Type.Optional(Type.Integer({ ...Whole, description: 'Bytes of the answer that it goes on from' })),
    request: Type.Optional(Type.Object({ text: Type.String() }, { description: 'What an API’s caller asks of the model, JSON' })),
  }),
  STREAM_COMPLETED: Ended,
  STREAM_CANCELLED: Ended,
  STREAM_ERROR: Ended,
  RECOVERY_ATTEMPT: Type.Union([RECOVERIES.claim, RECOVERIES.restore, RECOVERIES.rehydrate, RECOVERIES.merge]),
  TITLE_CHANGED: Type.Object({
    ...User,
    title: Type.String(),
    model: Type.Optional(Type.String({ description: 'Which model made it; absent: its owner did, or it went with a deleted message' })),
  }),
  /** What a conversation's models are told and which one answers, by its owner. An empty one is taken away; absent: as before. */
  PRESET_CHANGED: Type.Object({
    ...User,
    text: Type.Optional(Type.String({ description: 'For the model, before the thread' })),
    model: Type.Optional(Type.String()),
  }),
  /**
   * A person has set something. No part of the trail, and no conversation's: its subject is a digest of the person, and the highest version
   * counts, in whatever order they come. `text`: JSON of the fields; absent where it was taken away. `erased`: all of the kind goes.
   */
  RECORD_CHANGED: Type.Object({
    ...User,
    kind: RecordKinds,
    version: Whole,
    name: Type.Optional(Name),
    text: Type.Optional(Type.String()),
    erased: Type.Optional(Type.Boolean()),
  }),
  MESSAGE_DELETED: Type.Object({ ...User, messageId: Name }),
  SESSION_DELETED: Type.Object({
    ...User,
    deletedBy: Type.Optional(Name),
    erased: Type.Optional(
      Type.Boolean({ description: 'The person is erased: with the last of their conversations the trail forgets who they were' }),
    ),
  }),
  /** `userId` is the admin. These and those after them stand only in the trail, never in a topic. */
  ADMIN_READ: AdminAct,
  USER_ERASED: AdminAct,
  /** `userId` is whose key or session it is; `query`: JSON of its id and of what it may, never of what opens it. */
  KEY_MADE: AdminAct,
  KEY_ENDED: AdminAct,
  SIGNED_IN: AdminAct,
  SIGNED_OUT: AdminAct,
  /** What tells who `target` was is destroyed. `at`: their last deletion; `redacted` rows of 0.1.0 lost the id, and the digest of them. */
  USER_FORGOTTEN: Type.Object({ target: Name, at: Whole, redacted: Whole, sha256: Type.String() }),
  /** Retention removed what is before a time; how many logs it has cut so far, and the digest of where. */
  TRAIL_CUT: Type.Object({ before: Whole, logs: Whole, sha256: Type.String() }),
  /** Retention removed what people and models had said before a time, and the titles of conversations of which nothing was left. */
  TEXTS_CUT: Type.Object({ before: Whole, conversations: Whole, messages: Whole, sha256: Type.String() }),
  /** Retention removed figures and timelines of runs that began before a time. */
  RUNS_CUT: Type.Object({ before: Whole, runs: Whole, timelines: Whole }),
  /** A court wants something kept: `target` is a person, or it is a conversation. `query`: JSON of the hold's id and what it is for. */
  HOLD_SET: AdminAct,
  HOLD_ENDED: AdminAct,
};

export type AuditEventType = keyof typeof AUDIT_DATA;
export type AuditData = { [T in AuditEventType]: Static<(typeof AUDIT_DATA)[T]> };
export type AuditMessage = Static<typeof MessageSchema>;
export type EndedData = Static<typeof Ended>;

/** All words, in the order of the story. */
export const EVENT_TYPES = Object.keys(AUDIT_DATA) as AuditEventType[];
