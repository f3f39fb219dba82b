import { Type, type Static } from 'typebox';
import { MessageSchema } from '../audit/data.ts';
import type { Finish } from '../message.ts';
import { PlaceFields } from './records.ts';
import { PART_KINDS, PART_STATES, type Part } from '../parts.ts';

// What gateways answer over HTTP, and what the audit service tells them for it: the same schemas on both sides.

const Time = { description: 'ms since the epoch' };
const Next = Type.Union([Type.String(), Type.Null()], { description: 'The `after` of the next page; null: this was the last' });

/** `finish` is the protocol's word: one of a later release passes, and a reader shows it as none. */
const Count = Type.Integer({ minimum: 0 });
/** A part as people read it; fields of a later release pass. */
export const PartSchema = Type.Object({
  partId: Type.String(),
  index: Count,
  at: Type.Integer({ minimum: 0, description: 'It stands before this byte of the text' }),
  kind: Type.Enum(PART_KINDS),
  state: Type.Enum(PART_STATES),
  text: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  server: Type.Optional(Type.String()),
  title: Type.Optional(Type.String()),
  input: Type.Optional(Type.String({ description: 'JSON, byte for byte as the model wrote it' })),
  output: Type.Optional(Type.String()),
  error: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() })),
  approval: Type.Optional(
    Type.Object({
      policy: Type.Enum(['never', 'ask']),
      decision: Type.Optional(Type.Enum(['approved', 'denied'])),
      by: Type.Optional(Type.String()),
      at: Type.Optional(Type.Integer(Time)),
    }),
  ),
  attempt: Type.Optional(Count),
  startedAt: Type.Optional(Type.Integer(Time)),
  endedAt: Type.Optional(Type.Integer(Time)),
  choices: Type.Optional(Type.Array(Type.String())),
  answer: Type.Optional(Type.String()),
  of: Type.Optional(Type.String({ description: 'Of a question that a tool asks in the course of its call: the part of that call' })),
  field: Type.Optional(
    Type.Object({
      form: Type.String(),
      name: Type.String(),
      schema: Type.Unsafe<Record<string, unknown>>(Type.Object({})),
      required: Type.Optional(Type.Boolean()),
    }),
  ),
  asks: Type.Optional(
    Type.Object(
      { forms: Type.Array(Type.String()), rounds: Count, state: Type.Optional(Type.String()) },
      { description: 'Of a call whose tool waits for answers of a person' },
    ),
  ),
  step: Type.Optional(Count),
  callId: Type.Optional(Type.String()),
  note: Type.Optional(Type.String({ description: 'Said with a decision, for the model' })),
  url: Type.Optional(Type.String()),
  snippet: Type.Optional(Type.String()),
  fileId: Type.Optional(Type.String()),
  mediaType: Type.Optional(Type.String()),
  width: Type.Optional(Count),
  height: Type.Optional(Count),
  tokens: Type.Optional(Type.Integer({ minimum: 0, description: 'About, of a file that is read as text' })),
  bytes: Type.Optional(Count),
  sha256: Type.Optional(Type.String()),
  truncated: Type.Optional(Type.Boolean({ description: 'A field was cut; `GET /api/conversations/{id}/parts/{partId}` has all of it' })),
});

export const Message = Type.Object({
  ...MessageSchema.properties,
  finish: Type.Optional(Type.Unsafe<Finish>(MessageSchema.properties.finish)),
  parts: Type.Optional(Type.Unsafe<readonly Part[]>(Type.Array(PartSchema))),
});

export const PriceSchema = Type.Object(
  {
    input: Type.Number({ minimum: 0, description: 'Of prompt tokens' }),
    output: Type.Number({ minimum: 0, description: 'Of answer tokens' }),
  },
  { additionalProperties: false, description: 'Of a million tokens, in a currency of the operator’s' },
);

/** What a model can is absent where it can not; pods of 0.1.0 say none of it. */
export const ModelInfo = Type.Object({
  id: Type.String(),
  name: Type.String(),
  provider: Type.String(),
  canContinue: Type.Boolean({ description: 'Goes on from the last byte when its pod dies; else the answer starts again' }),
  default: Type.Optional(Type.Boolean()),
  accepts: Type.Optional(
    Type.Array(Type.String(), { description: 'Parameters and inputs that an API caller may send with a prompt; absent: none' }),
  ),
  down: Type.Optional(Type.Boolean({ description: 'Its provider has failed lately, for every AI pod; it may still be asked' })),
  vision: Type.Optional(Type.Boolean({ description: 'It can look at pictures' })),
  tools: Type.Optional(Type.Boolean({ description: 'It can call tools' })),
  reasoning: Type.Optional(Type.Boolean({ description: 'It thinks before it answers' })),
  contextTokens: Type.Optional(Type.Integer({ description: 'Tokens of prompt and answer together; a longer conversation is cut to fit' })),
  promptTokens: Type.Optional(
    Type.Integer({ description: 'What of it is for a conversation: without room for an answer, and the system text of the model' }),
  ),
  price: Type.Optional(PriceSchema),
});
export type ModelInfo = Static<typeof ModelInfo>;
export const ModelList = Type.Object({ models: Type.Array(ModelInfo) });

/** What a conversation has of its own; absent: nothing. */
export const PresetFields = {
  system: Type.Optional(Type.String({ description: 'Text for its models, before the thread' })),
  model: Type.Optional(Type.String({ description: 'The model that answers where a prompt names none' })),
};

export const ConversationSummary = Type.Object({
  conversationId: Type.String(),
  title: Type.String(),
  updatedAt: Type.Integer({ description: 'Last change, ms since the epoch, by the server’s clock' }),
  waiting: Type.Optional(Type.Literal(true, { description: 'Its answer goes on when people have decided (W-17)' })),
  ...PresetFields,
  ...PlaceFields,
});
export type ConversationSummary = Static<typeof ConversationSummary>;
export const ConversationPage = Type.Object({ conversations: Type.Array(ConversationSummary), hasMore: Type.Boolean() });
export type ConversationPage = Static<typeof ConversationPage>;

export const MessagePage = Type.Object({ messages: Type.Array(Message, { description: 'Newest last' }), hasMore: Type.Boolean() });
export type MessagePage = Static<typeof MessagePage>;

export const FoundMessage = Type.Object({ conversationId: Type.String(), title: Type.String(), message: Message });
export type FoundMessage = Static<typeof FoundMessage>;
export const SearchPage = Type.Object({ found: Type.Array(FoundMessage, { description: 'Newest first' }), next: Next });
export type SearchPage = Static<typeof SearchPage>;

export const Me = Type.Object({
  userId: Type.String(),
  admin: Type.Boolean({ description: 'May read everybody’s trail and statistics, and erase users' }),
  role: Type.Optional(Type.Enum(['user', 'auditor', 'admin'], { description: 'auditor: reads everybody’s trail and figures' })),
  audit: Type.Boolean({ description: 'There is an audit service: search, replay and the trail can be asked for' }),
  copies: Type.Optional(
    Type.Literal(false, { description: 'Pages keep no conversations on the device (`DEVICE_COPIES`). Absent: they may' }),
  ),
});
export type Me = Static<typeof Me>;

export const SignInWay = Type.Object({
  mode: Type.Enum(['dev', 'jwt', 'oidc'], {
    description: 'dev: callers say who they are; jwt: a token proves it; oidc: the gateway itself signs people in',
  }),
  url: Type.Union([Type.String(), Type.Null()], {
    description: 'Where a person signs in; `{return}` in it stands for the address to come back to. null: with an access token',
  }),
});
export type SignInWay = Static<typeof SignInWay>;

/** A row of the trail with its link; `hash` is null until every earlier event of its log is here. */
export const TrailEntry = Type.Object({
  eventId: Type.String(),
  time: Type.Integer(Time),
  type: Type.String({ description: 'A word of the audit’s events' }),
  conversationId: Type.String(),
  userId: Type.Union([Type.String(), Type.Null()]),
  runId: Type.Union([Type.String(), Type.Null()]),
  logId: Type.String(),
  sequence: Type.Integer({ description: 'Place among the state changes of the log' }),
  hash: Type.Union([Type.String(), Type.Null()], { description: 'null: an earlier event of its log is not here yet' }),
  data: Type.String({ description: 'JSON of the event’s data, in which each text is its length and SHA-256' }),
  people: Type.Optional(
    Type.Record(Type.String(), Type.String(), {
      description: 'What the link was made of instead: the pseudonym of each person named here, by id. Absent in 0.1.0',
    }),
  ),
});
export type TrailEntry = Static<typeof TrailEntry>;
export const TrailPage = Type.Object({ events: Type.Array(TrailEntry), next: Next });
export type TrailPage = Static<typeof TrailPage>;

export const Verification = Type.Object({
  logs: Type.Integer(),
  events: Type.Integer(),
  texts: Type.Integer(),
  problems: Type.Array(Type.String(), { description: 'One sentence each, with the log and the place; the first 1,000' }),
  root: Type.String({ description: 'Merkle root over the ends of all chains' }),
});
export type Verification = Static<typeof Verification>;

const Milliseconds = Type.Union([Type.Number(), Type.Null()]);
const Percentiles = Type.Object({ p50: Milliseconds, p95: Milliseconds, p99: Milliseconds }, { description: 'ms; null: nothing is known' });

/** Runs that began in one stretch of time with one model and have ended. */
export const RunStatistics = Type.Object({
  from: Type.Integer(Time),
  model: Type.String(),
  runs: Type.Integer(),
  complete: Type.Integer(),
  cancelled: Type.Integer(),
  failed: Type.Integer(),
  interrupted: Type.Integer(),
  /** An audit service of 0.1.0 says nothing of it. */
  finishes: Type.Optional(
    Type.Object(
      { stop: Type.Integer(), length: Type.Integer(), filter: Type.Integer(), tools: Type.Integer(), error: Type.Integer() },
      { description: 'How the models of those stopped where that is known' },
    ),
  ),
  takeovers: Type.Integer(),
  inputTokens: Type.Integer({ description: '`promptTokens` of these runs, as their providers counted' }),
  outputTokens: Type.Integer({ description: '`completionTokens` of these runs' }),
  durationMs: Percentiles,
  firstTextMs: Percentiles,
});
export type RunStatistics = Static<typeof RunStatistics>;
export const StatisticsAnswer = Type.Object({ statistics: Type.Array(RunStatistics) });

export const RunAnswer = Type.Object({
  runId: Type.String(),
  offset: Type.Integer({ description: 'Offset of `run-started` in the log' }),
  duplicate: Type.Boolean({ description: 'The same ids were seen before: this is the run they made then' }),
});
export const CancelAnswer = Type.Object({ outcome: Type.Enum(['cancelling', 'already-ended']) });
export const DecideAnswer = Type.Object({ outcome: Type.Enum(['decided', 'already-decided', 'stale']) });
export const ChangeAnswer = Type.Object({ offset: Type.Integer({ description: 'Of the event that says so' }) });
export const PatchAnswer = Type.Object({
  offset: Type.Optional(Type.Integer({ description: 'Of the `title` event, or of the last one; absent where only the place was changed' })),
  ...PlaceFields,
});
export const ForkAnswer = Type.Object({
  conversationId: Type.String({ description: 'The new one' }),
  outcome: Type.Enum(['forked', 'duplicate'], { description: 'duplicate: it was made before, by the same call' }),
});
export type ForkAnswer = Static<typeof ForkAnswer>;
export const ErasedAnswer = Type.Object({ conversations: Type.Integer(), forgotten: Type.Boolean() });
