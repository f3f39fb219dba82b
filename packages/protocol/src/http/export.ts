import { Type, type Static } from 'typebox';
import { ApiKey, SessionInfo } from './access.ts';
import { ConversationSummary, Message } from './public.ts';

const Id = Type.String();
const Bytes = Type.Integer({ minimum: 0 });

/**
 * One line of a person's export, in this order: who and when, each conversation and its messages, oldest first, with all of their parts and
 * receipts; each file and its bytes; what they set for themselves; keys and sessions, never their secrets; the end. A file without its end is not whole.
 */
export const ExportLine = Type.Union([
  Type.Object({
    type: Type.Literal('export'),
    version: Type.Literal(1),
    userId: Id,
    at: Type.Integer({ description: 'ms since the epoch' }),
  }),
  Type.Object({ type: Type.Literal('conversation'), ...ConversationSummary.properties }),
  Type.Object({ type: Type.Literal('message'), conversationId: Id, message: Message }),
  Type.Object({
    ...{ type: Type.Literal('file'), fileId: Id, name: Type.String(), createdAt: Type.Integer(), bytes: Bytes },
    mediaType: Type.Optional(Type.String({ description: 'Absent: the upload never became whole, and no bytes follow' })),
    sha256: Type.Optional(Type.String()),
  }),
  Type.Object({ type: Type.Literal('file-bytes'), fileId: Id, at: Bytes, base64: Type.String() }),
  Type.Object({
    ...{ type: Type.Literal('record'), kind: Type.String({ description: 'settings, a prompt, feedback, …' }), name: Type.String() },
    ...{ version: Type.Integer(), fields: Type.Record(Type.String(), Type.String()) },
  }),
  Type.Object({ type: Type.Literal('key'), ...ApiKey.properties }),
  Type.Object({ type: Type.Literal('session'), ...Type.Omit(SessionInfo, ['current']).properties }),
  Type.Object({ type: Type.Literal('end'), conversations: Bytes, messages: Bytes, files: Bytes, keys: Bytes }),
]);
export type ExportLine = Static<typeof ExportLine>;
