import { Type, type Static } from 'typebox';
import { ID_PATTERN } from './ids.ts';

const Id = Type.String({ pattern: ID_PATTERN });
/** Of an `id`, which is kept until its answer goes out. */
export const MAX_ECHO = 1024;
const Echo = Type.Optional(Type.Union([Type.String({ maxLength: MAX_ECHO }), Type.Number()]));
const Offset = Type.Integer({ minimum: 0 });

/** The last event a client has applied. */
export const Cursor = Type.Object({ logId: Type.String({ minLength: 1, maxLength: 64 }), offset: Offset });
export type Cursor = Static<typeof Cursor>;
/** What `live` says of a conversation that does not exist yet. */
const Nowhere = Type.Object({ logId: Type.Null(), offset: Offset });

/** W-2 answers each bad field with a close code of its own, so only the types are checked here; the frame's size bounds the rest. */
export const Hello = Type.Object({
  type: Type.Literal('hello'),
  id: Echo,
  protocol: Type.Number(),
  token: Type.Optional(Type.String()),
  client: Type.Optional(Type.String()),
  list: Type.Optional(Type.Boolean({ description: 'It wants hints about the caller’s list of conversations, and what else they set' })),
});
export const Follow = Type.Object({
  type: Type.Literal('follow'),
  id: Echo,
  conversationId: Id,
  cursor: Type.Optional(Type.Union([Cursor, Nowhere, Type.Null()])),
});
export const Unfollow = Type.Object({ type: Type.Literal('unfollow'), id: Echo, conversationId: Id });

/** Files that one prompt may have. */
export const MAX_FILES = 10;

/** The same fields as the body of `POST /api/chat`. `text` is trimmed and measured by the gateway (W-6). */
export const PromptFields = {
  conversationId: Id,
  messageId: Id,
  text: Type.String(),
  parentId: Type.Optional(Type.Union([Id, Type.Null()])),
  runId: Type.Optional(Id),
  model: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  files: Type.Optional(Type.Array(Id, { maxItems: MAX_FILES, description: 'Uploaded files, in the order in which they are shown' })),
};
export const Prompt = Type.Object({ type: Type.Literal('prompt'), id: Echo, ...PromptFields });

export const RegenerateFields = {
  conversationId: Id,
  parentId: Id,
  continues: Type.Optional(Id),
  runId: Type.Optional(Id),
  model: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
};
export const Regenerate = Type.Object({ type: Type.Literal('regenerate'), id: Echo, ...RegenerateFields });

export const CancelFields = { conversationId: Id, runId: Id };
export const Cancel = Type.Object({ type: Type.Literal('cancel'), id: Echo, ...CancelFields });
/** Also the body of `POST /api/decide`. Which fields a decision needs depends on the part (W-18). */
export const DecideFields = {
  conversationId: Id,
  runId: Id,
  partId: Id,
  decision: Type.Enum(['approve', 'deny', 'answer', 'retry', 'skip']),
  inputSha256: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Of the input that was shown' })),
  text: Type.Optional(Type.String()),
};
export const Decide = Type.Object({ type: Type.Literal('decide'), id: Echo, ...DecideFields });
export const Delete = Type.Object({ type: Type.Literal('delete'), id: Echo, conversationId: Id, messageId: Id });
export const Typing = Type.Object({ type: Type.Literal('typing'), id: Echo, conversationId: Id, active: Type.Boolean() });
export const Ping = Type.Object({ type: Type.Literal('ping'), id: Echo, t: Type.Optional(Type.Number()) });

/** Everything a client may send, by `type`. */
export const CLIENT_FRAMES = {
  hello: Hello,
  follow: Follow,
  unfollow: Unfollow,
  prompt: Prompt,
  regenerate: Regenerate,
  cancel: Cancel,
  decide: Decide,
  delete: Delete,
  typing: Typing,
  ping: Ping,
} as const;

export type ClientFrameType = keyof typeof CLIENT_FRAMES;
export type ClientFrameOf<K extends ClientFrameType> = Static<(typeof CLIENT_FRAMES)[K]>;
export type ClientFrame = { [K in ClientFrameType]: ClientFrameOf<K> }[ClientFrameType];
export type FrameId = string | number;
