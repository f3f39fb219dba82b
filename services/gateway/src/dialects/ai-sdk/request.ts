import { Type, type Static } from 'typebox';
import { RunnelError, newId, type Role } from '@runnel/protocol';
import type { Asked } from '../begin.ts';
import { ASK_TOOL } from '../parts/call-of.ts';
import type { AskedDecision } from '../parts/decide-asked.ts';
import { idOf, type Turn } from '../turns.ts';

const Part = Type.Object({
  type: Type.String(),
  text: Type.Optional(Type.String()),
  toolName: Type.Optional(Type.String()),
  toolCallId: Type.Optional(Type.String()),
  state: Type.Optional(Type.String()),
  approval: Type.Optional(
    Type.Object({
      id: Type.String(),
      approved: Type.Optional(Type.Boolean()),
      reason: Type.Optional(Type.String()),
      signature: Type.Optional(Type.String()),
    }),
  ),
  input: Type.Optional(Type.Unknown()),
  output: Type.Optional(Type.Unknown()),
  providerExecuted: Type.Optional(Type.Boolean()),
});
type Part = Static<typeof Part>;
const UiMessage = Type.Object({
  id: Type.Optional(Type.String()),
  role: Type.String({ description: 'system, user or assistant' }),
  parts: Type.Array(Part),
  metadata: Type.Optional(Type.Unknown()),
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

const DIGEST = /^[0-9a-f]{64}$/;

/** What a person decided about a part of the last answer, if anything. An answer that we told them ourselves is none of theirs. Pure. */
const decisionIn = (part: Part): AskedDecision[] => {
  const { type, state, approval, toolCallId, toolName = type.replace(/^tool-/, ''), output } = part;
  if (state === 'approval-responded' && approval?.approved !== undefined) {
    const { id, approved, reason, signature } = approval;
    const shown = signature !== undefined && DIGEST.test(signature) ? { inputSha256: signature } : { input: part.input };
    return [{ partId: id, isApproved: approved, ...(reason && { text: reason }), ...shown }];
  }
  if (toolName !== ASK_TOOL || toolCallId === undefined || part.providerExecuted === true) return [];
  if (state === 'output-error') return [{ partId: toolCallId, isApproved: false }];
  if (state !== 'output-available') return [];
  return [{ partId: toolCallId, isApproved: true, text: typeof output === 'string' ? output : JSON.stringify(output) }];
};

export interface ChatDecisions {
  conversationId: string;
  decisions: AskedDecision[];
}

/** Where the Workflow transport names no chat, the answer itself says where it is from. */
const placeIn = (metadata: unknown): string | undefined => {
  const { conversationId } = (metadata ?? {}) as { conversationId?: unknown };
  return typeof conversationId === 'string' ? conversationId : undefined;
};

/** What was decided, when the last message is an answer that waited for it; null: a chat asks for something else. Throws `bad-frame`. */
export const readDecisions = (body: ChatBody): ChatDecisions | null => {
  const last = body.messages?.at(-1) ?? body.message;
  if (last?.role !== 'assistant' || body.trigger === 'regenerate-message') return null;
  const decisions = last.parts.flatMap(decisionIn);
  if (decisions.length === 0) return null;
  const place = body.id ?? placeIn(last.metadata);
  if (place === undefined) return refuse('id', 'it says which conversation this answer is in.');
  return { conversationId: idOf(place, 'id'), decisions };
};

/** `<conversation>` or `<conversation>.<run>`, the latter what `x-workflow-run-id` says. Throws `bad-frame`. */
export const readStreamId = (text: string): { conversationId: string; runId?: string } => {
  const [conversation, run, ...rest] = text.split('.');
  if (rest.length > 0) return refuse('id', 'not an id.');
  const conversationId = idOf(conversation, 'id');
  return run === undefined ? { conversationId } : { conversationId, runId: idOf(run, 'id') };
};

/** The run that a stop names as `activeStreamId`: by what `x-workflow-run-id` says, or alone; the chat's own id names none. Throws `bad-frame`. */
export const activeRun = (chat: string, active: string | null | undefined): string | undefined => {
  if (active === undefined || active === null || active === chat) return undefined;
  const { conversationId, runId = conversationId } = readStreamId(active);
  return runId;
};

/** How many chunks somebody has, or, below 0, the last so many that he wants; he is told all. Throws `bad-frame`. */
export const readStartIndex = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  return /^-?\d{1,15}$/.test(text) ? Number(text) : refuse('startIndex', 'not a whole number.');
};

/**
 * The index of the stream's last chunk, for somebody who wants the last so many: he computes `tail + 1 + startIndex`, which is where he counts
 * from when he comes again. He is told all, from 0, so the tail is what makes that 0. Pure.
 */
export const tailIndex = (startIndex: number): Record<string, string> =>
  startIndex < 0 ? { 'x-workflow-stream-tail-index': String(-startIndex - 1) } : {};
