import { Type, type Static, type TSchema } from 'typebox';
import { ReceiptSchema, Trimmed, UsageSchema } from '../audit/data.ts';
import { ERRORS, type ErrorCode } from '../errors.ts';
import type { LogEvent, ServerEvent } from '../events.ts';
import { FINISHES, type Finish } from '../message.ts';
import { LIST_CHANGES } from '../list-event.ts';
import { Message, PartSchema } from '../http/public.ts';
import { PART_FIELDS, type Part } from '../parts.ts';

// Everything a gateway may send to a client, by `type`, as schemas: `docs/websocket.asyncapi.json` is made of them. No process needs them
// to run, so pages never load this file. Extra fields and types pass: a client ignores what it does not know (PROTOCOL, "Versions").

const Count = Type.Integer({ minimum: 0 });
const Time = Type.Integer({ description: 'ms since the epoch' });
const Digest = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256, hexadecimal' });
const Maybe = <T extends TSchema>(schema: T) => Type.Optional(schema);
const NameOrNull = Type.Union([Type.String(), Type.Null()]);
const Echo = Maybe(Type.Union([Type.String(), Type.Number()], { description: 'The `id` of the frame that this answers' }));
const Codes = Type.Unsafe<ErrorCode>(Type.String({ description: `${Object.keys(ERRORS).join(', ')}, or a word of a later release` }));
const FinishWord = Type.Unsafe<Finish>(Type.String({ description: `${FINISHES.join(', ')}, or a word of a later release` }));
const PartOnTheWire = Type.Unsafe<Part>(PartSchema);
const Parts = Type.Unsafe<readonly Part[]>(Type.Array(PartSchema));

/** What every event of the log has. */
const Logged = {
  conversationId: Type.String(),
  offset: Type.Integer({ minimum: 1, description: 'Place in the log' }),
  from: Maybe(Type.Integer({ minimum: 1, description: 'First offset covered, where events were merged (W-14)' })),
  logId: Maybe(Type.String({ description: 'Only on the event with offset 1' })),
};
const Run = { ...Logged, runId: Type.String() };
const Piece = {
  ...Run,
  at: Type.Integer({ minimum: 0, description: 'UTF-8 byte at which `text` is appended' }),
  t: Time,
  text: Type.String(),
};
const Place = { conversationId: Type.String(), logId: NameOrNull, offset: Count };

const RunError = Type.Object({
  code: Codes,
  message: Type.String(),
  retryAfterMs: Maybe(Count),
  status: Maybe(Type.Integer({ description: 'The HTTP status of the model’s provider' })),
  providerCode: Maybe(Type.String()),
});

export const LOG_EVENTS = {
  message: Type.Object({ type: Type.Literal('message'), ...Logged, message: Message }),
  'message-deleted': Type.Object({ type: Type.Literal('message-deleted'), ...Logged, messageId: Type.String() }),
  'run-started': Type.Object({
    type: Type.Literal('run-started'),
    ...Run,
    parentId: NameOrNull,
    model: Type.String(),
    epoch: Count,
    trimmed: Maybe(Trimmed),
    requestedModel: Maybe(Type.String({ description: 'Of the second one of a run: what was asked for, where another model answers' })),
    startedAt: Time,
  }),
  chunk: Type.Object({ type: Type.Literal('chunk'), ...Piece }),
  part: Type.Object({ type: Type.Literal('part'), ...Run, part: PartOnTheWire }),
  'part-chunk': Type.Object({ type: Type.Literal('part-chunk'), ...Piece, partId: Type.String(), field: Type.Enum(PART_FIELDS) }),
  'run-waiting': Type.Object({ type: Type.Literal('run-waiting'), ...Run, partIds: Type.Array(Type.String()) }),
  'run-moved': Type.Object({
    type: Type.Literal('run-moved'),
    ...Run,
    epoch: Count,
    bytes: Type.Integer({ minimum: 0, description: 'How much of the text stands' }),
    restarted: Type.Boolean(),
  }),
  'run-ended': Type.Object({
    type: Type.Literal('run-ended'),
    ...Run,
    reason: Type.Enum(['complete', 'cancelled', 'failed', 'interrupted']),
    bytes: Count,
    sha256: Digest,
    finish: Maybe(FinishWord),
    usage: Maybe(UsageSchema),
    error: Maybe(RunError),
    cancel: Maybe(Type.Object({ requestedAt: Time, stoppedAt: Time })),
    parts: Maybe(Type.Object({ count: Count, sha256: Digest })),
    receipt: Maybe(ReceiptSchema),
    endedAt: Time,
  }),
  title: Type.Object({ type: Type.Literal('title'), ...Logged, title: Type.String() }),
} satisfies Record<LogEvent['type'], TSchema>;

export const OTHER_EVENTS = {
  snapshot: Type.Object({
    type: Type.Literal('snapshot'),
    ...Place,
    title: Type.String(),
    messages: Type.Array(Message),
    run: Type.Union([
      Type.Object({
        runId: Type.String(),
        parentId: NameOrNull,
        model: Type.String(),
        epoch: Count,
        text: Type.String(),
        startedAt: Time,
        trimmed: Maybe(Trimmed),
        requestedModel: Maybe(Type.String()),
        parts: Maybe(Parts),
        waiting: Maybe(Type.Unsafe<readonly string[]>(Type.Array(Type.String()))),
      }),
      Type.Null(),
    ]),
    hasMore: Type.Boolean(),
  }),
  live: Type.Object({ type: Type.Literal('live'), ...Place }),
  typing: Type.Object({
    type: Type.Literal('typing'),
    conversationId: Type.String(),
    userId: Type.String(),
    active: Type.Boolean(),
  }),
  presence: Type.Object({
    type: Type.Literal('presence'),
    conversationId: Type.String(),
    users: Type.Array(Type.String()),
    devices: Maybe(Count),
  }),
  'queued-run': Type.Object({
    type: Type.Literal('queued-run'),
    conversationId: Type.String(),
    runId: Type.String(),
    place: Type.Integer({ minimum: 0, description: '0: it waits no longer' }),
  }),
  list: Type.Object(
    {
      type: Type.Literal('list'),
      change: Type.Enum([...LIST_CHANGES]),
      name: Maybe(Type.String({ description: 'The conversation, or the record of that kind' })),
      title: Maybe(Type.String()),
    },
    { description: 'Only to who said `list` in their hello' },
  ),
  draining: Type.Object({ type: Type.Literal('draining'), reconnectInMs: Count }),
  welcome: Type.Object({
    type: Type.Literal('welcome'),
    protocol: Type.Integer(),
    node: Type.String(),
    userId: Type.String(),
    heartbeatMs: Count,
    limits: Type.Object({ textChars: Count, frameBytes: Count, promptsPerMinute: Count }),
  }),
  ok: Type.Object({
    type: Type.Literal('ok'),
    id: Echo,
    runId: Maybe(Type.String()),
    offset: Maybe(Count),
    duplicate: Maybe(Type.Boolean()),
    outcome: Maybe(Type.Enum(['cancelling', 'already-ended', 'decided', 'already-decided', 'stale'])),
  }),
  error: Type.Object({
    type: Type.Literal('error'),
    id: Echo,
    code: Codes,
    message: Type.String(),
    retryable: Type.Boolean(),
    retryAfterMs: Maybe(Count),
    limit: Maybe(Type.String({ description: '`rate-limited`: which budget is used up' })),
    runId: Maybe(Type.String()),
  }),
  pong: Type.Object({ type: Type.Literal('pong'), id: Echo, t: Maybe(Type.Number()) }),
} satisfies Record<Exclude<ServerEvent, LogEvent>['type'], TSchema>;

export const SERVER_EVENTS = { ...LOG_EVENTS, ...OTHER_EVENTS };

/** The type that a client reads, from its schema. `events.ts` says the same in words; a test holds the two together. */
export type WireEvent = { [K in keyof typeof SERVER_EVENTS]: Static<(typeof SERVER_EVENTS)[K]> }[keyof typeof SERVER_EVENTS];
