import { Type, type Static } from 'typebox';
import { RunnelError, newId, type Role } from '@runnel/protocol';
import type { Asked } from '../begin.ts';
import { idOf, type Turn } from '../turns.ts';

const Part = Type.Object({ type: Type.String(), text: Type.Optional(Type.String()) });
const UiMessage = Type.Object({
  id: Type.Optional(Type.String()),
  role: Type.String({ description: 'system, user or assistant' }),
  parts: Type.Array(Part),
});
type UiMessage = Static<typeof UiMessage>;

/** What is read of what a chat sends; `metadata` and the like are passed over. */
export const ChatBody = Type.Object({
  id: Type.Optional(Type.String({ description: 'The conversation; absent: a new one' })),
  messages: Type.Optional(Type.Array(UiMessage, { minItems: 1 })),
  message: Type.Optional(UiMessage),
  trigger: Type.Optional(Type.Enum(['submit-message', 'regenerate-message'])),
  messageId: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  model: Type.Optional(Type.Union([Type.String({ maxLength: 200 }), Type.Null()])),
});
export type ChatBody = Static<typeof ChatBody>;

export const StopBody = Type.Union([Type.Object({ activeStreamId: Type.Optional(Type.Union([Type.String(), Type.Null()])) }), Type.Null()]);

const ROLES: ReadonlySet<string> = new Set(['system', 'user', 'assistant'] satisfies Role[]);

const refuse = (field: string, why: string): never => {
  throw new RunnelError('bad-frame', `${field}: ${why}`);
};

const textOf = ({ parts }: UiMessage): string => parts.map(({ type, text }) => (type === 'text' ? (text ?? '') : '')).join('');

const turnOf = (message: UiMessage): Turn => {
  const { id, role } = message;
  return { id, role: ROLES.has(role) ? (role as Role) : refuse('messages', 'a role is system, user or assistant.'), text: textOf(message) };
};

/**
 * What a chat asks for: the last user message, with those before it. Throws `bad-frame`: for a last message that is no user's, or has
 * parts that are no text.
 */
export const readChat = (body: ChatBody): Asked => {
  const messages = body.messages ?? (body.message ? [body.message] : refuse('messages', 'there is none.'));
  const regenerate = body.trigger === 'regenerate-message';
  const at = regenerate ? messages.findLastIndex(({ role }) => role === 'user') : messages.length - 1;
  const last = messages[at];
  if (last?.role !== 'user') return refuse('messages', 'the last message must be a user message.');
  const odd = last.parts.find(({ type }) => type !== 'text');
  if (odd) return refuse('messages', 'only text parts are understood in a prompt.');
  return {
    conversationId: idOf(body.id, 'id'),
    turns: messages.slice(0, at + 1).map(turnOf),
    messageId: idOf(last.id, 'messages.id'),
    runId: newId(),
    regenerate,
    model: body.model || undefined,
  };
};

/** `<conversation>` or `<conversation>.<run>`, the latter what `x-workflow-run-id` says. Throws `bad-frame`. */
export const readStreamId = (text: string): { conversationId: string; runId?: string } => {
  const [conversation, run, ...rest] = text.split('.');
  if (rest.length > 0) return refuse('id', 'not an id.');
  const conversationId = idOf(conversation, 'id');
  return run === undefined ? { conversationId } : { conversationId, runId: idOf(run, 'id') };
};

/** A non-negative number of chunks; below 0 means "the last so many", and is told all. Throws `bad-frame`. */
export const readStartIndex = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  return /^-?\d{1,15}$/.test(text) ? Math.max(0, Number(text)) : refuse('startIndex', 'not a whole number.');
};
