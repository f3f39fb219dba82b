import { Type, type Static } from 'typebox';
import { ID_PATTERN } from '../ids.ts';
import type { Part } from '../parts.ts';
import { Message, MessagePage, PartSchema, PresetFields } from './public.ts';

// What gateways ask the audit service, and what it answers beside the schemas of `public.ts`.

const WholePart = Type.Unsafe<Part>(PartSchema);
const Usage = Type.Object({ promptTokens: Type.Integer(), completionTokens: Type.Integer(), estimated: Type.Optional(Type.Boolean()) });

/** An answer that waits for a person, as the database has it: all that a store which forgot it needs to go on with it. */
export const ParkedRun = Type.Object({
  runId: Type.String(),
  parentId: Type.Union([Type.String(), Type.Null()]),
  model: Type.String(),
  startedAt: Type.Integer({ description: 'ms since the epoch' }),
  epoch: Type.Integer({ description: 'Of who parked it' }),
  claims: Type.Integer({ description: 'The highest epoch that was heard of since' }),
  text: Type.String(),
  partIds: Type.Array(Type.String(), { description: 'What it waits for; some of it may be decided by now' }),
  parts: Type.Array(WholePart, { description: 'By index, as they stand now' }),
  used: Type.Optional(Type.Object({ usage: Usage, bytes: Type.Integer() })),
  trimmed: Type.Optional(Type.Object({ messages: Type.Integer(), tokens: Type.Integer() })),
  requestedModel: Type.Optional(Type.String()),
  base: Type.Optional(Type.Integer()),
  request: Type.Optional(Type.String()),
});
export type ParkedRun = Static<typeof ParkedRun>;

/** Its owner deleted this log of the conversation then. */
export const Deletion = Type.Object({ logId: Type.String(), at: Type.Integer({ description: 'ms since the epoch' }) });
export type Deletion = Static<typeof Deletion>;
/** The newest page of a conversation also brings its title, and what it has of its own for models. An audit service of 0.1.0 says it as well. `parked`: only who asks for it is told. `deleted`: before it was made again under its id. */
export const StoredPage = Type.Object({
  ...MessagePage.properties,
  title: Type.Optional(Type.String()),
  ...PresetFields,
  parked: Type.Optional(ParkedRun),
  deleted: Type.Optional(Deletion),
});
export type StoredPage = Static<typeof StoredPage>;

/** Body of a 404 of `/history/:id`. 0.1.0 sends none. */
export const NoHistory = Type.Object({ deleted: Type.Optional(Deletion) });

/** A part with all of its content, and the answer it is of. */
export const StoredPart = Type.Object({ runId: Type.String(), part: WholePart });
export type StoredPart = Static<typeof StoredPart>;

/** What is needed to watch an answer again. */
export const Replay = Type.Object({
  conversationId: Type.String(),
  startedAt: Type.Integer(),
  message: Message,
  pieces: Type.Array(
    Type.Object({
      ms: Type.Integer({ description: 'Since the run started' }),
      at: Type.Integer({ description: 'First byte' }),
      bytes: Type.Integer(),
      hole: Type.Optional(Type.Literal(true, { description: 'Nobody noted when: these bytes came at some time before `ms`' })),
    }),
  ),
  markers: Type.Array(
    Type.Object({
      ms: Type.Integer(),
      what: Type.Enum(['takeover', 'restored', 'cancel', 'end']),
      owner: Type.Optional(Type.String({ description: 'The pod that took over' })),
      reason: Type.Optional(Type.Enum(['complete', 'cancelled', 'failed', 'interrupted'])),
    }),
  ),
  /** Absent without parts, and from an audit service of 0.1.0. */
  parts: Type.Optional(
    Type.Array(Type.Object({ ms: Type.Integer(), part: WholePart }), {
      description: 'Each part each time its state changed; its content with the last',
    }),
  ),
});
export type Replay = Static<typeof Replay>;
export type Piece = Replay['pieces'][number];
export type Marker = Replay['markers'][number];
export type ReplayedPart = NonNullable<Replay['parts']>[number];

const Id = Type.String({ pattern: ID_PATTERN });
const Name = Type.String({ minLength: 1, maxLength: 255 });
/** Body of `POST /trail`: what an admin is about to do. `target` is whose trail; with no `conversation` either, everybody's. */
export const AdminAct = Type.Object({
  type: Type.Enum(['ADMIN_READ', 'USER_ERASED', 'KEY_MADE', 'KEY_ENDED', 'SIGNED_IN', 'SIGNED_OUT']),
  admin: Name,
  target: Type.Optional(Name),
  conversation: Type.Optional(Id),
  query: Type.Optional(Type.String({ maxLength: 2_000 })),
});
export type AdminAct = Static<typeof AdminAct>;

/** Body of `POST /called`: a call that is about to be made, as it stands in the log. */
export const CalledPart = Type.Object({ conversationId: Id, runId: Id, part: WholePart });
export type CalledPart = Static<typeof CalledPart>;

/** Body of `POST /forget`, and whether no store names the user any more. */
export const Forget = Type.Object({ user: Name });
export const ForgetAnswer = Type.Object({ forgotten: Type.Boolean() });

/** Body of `POST /holds`: a person or a conversation, one of them. `matter`: what the lawyers call it. */
export const HoldWish = Type.Object({
  admin: Name,
  user: Type.Optional(Name),
  conversation: Type.Optional(Id),
  matter: Type.Optional(Type.String({ maxLength: 200 })),
});
export type HoldWish = Static<typeof HoldWish>;

/** Something that is kept for a court, since `since` (ms). */
export const Hold = Type.Object({
  hold: Type.String(),
  user: Type.Optional(Type.String()),
  conversation: Type.Optional(Type.String()),
  matter: Type.Optional(Type.String()),
  since: Type.Integer(),
});
export type Hold = Static<typeof Hold>;
export const HoldList = Type.Object({ holds: Type.Array(Hold) });

/** Body of `POST /files/needed`: files of a person; and which of them a hold keeps, and which a conversation of theirs shows that lives. */
export const FilesAsked = Type.Object({ user: Name, files: Type.Array(Id, { maxItems: 1_000 }) });
export type FilesAsked = Static<typeof FilesAsked>;
export const FilesNeeded = Type.Object({ held: Type.Array(Type.String()), shown: Type.Array(Type.String()) });
export type FilesNeeded = Static<typeof FilesNeeded>;

/** What people deleted while it was held. `kind`: message, part, title. */
export const KeptPage = Type.Object({
  rows: Type.Array(
    Type.Object({
      conversationId: Type.String(),
      kind: Type.String(),
      name: Type.String(),
      position: Type.Integer(),
      role: Type.String(),
      body: Type.String(),
    }),
  ),
  hasMore: Type.Boolean(),
});

export const IdParams = Type.Object({ id: Id });
