import { Type, type Static } from 'typebox';
import { RunnelError, type Role } from '@runnel/protocol';
import type { Asked } from '../begin.ts';
import { idOf, type Turn } from '../turns.ts';

const InputMessage = Type.Object({ id: Type.Optional(Type.String()), role: Type.String(), content: Type.Optional(Type.Unknown()) });
type InputMessage = Static<typeof InputMessage>;

/** What is read of a run's input. */
export const RunInput = Type.Object({
  threadId: Type.String({ description: 'The conversation' }),
  runId: Type.String({ description: 'The run, and the id of the message it writes; a known one is joined' }),
  messages: Type.Array(InputMessage),
  resume: Type.Optional(Type.Union([Type.Array(Type.Unknown()), Type.Null()])),
});
export type RunInput = Static<typeof RunInput>;

export const StopBody = Type.Union([Type.Object({ runId: Type.Optional(Type.Union([Type.String(), Type.Null()])) }), Type.Null()]);

/** Messages that are no turn of a conversation: tools, reasoning, activity. */
const ROLES: Record<string, Role> = { system: 'system', developer: 'system', user: 'user', assistant: 'assistant' };

const refuse = (field: string, why: string): never => {
  throw new RunnelError('bad-frame', `${field}: ${why}`);
};

const textOf = (content: unknown): string => {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return (content as { type?: unknown; text?: unknown }[])
    .map((part) => (part?.type === 'text' && typeof part.text === 'string' ? part.text : ''))
    .join('');
};

const hasOtherParts = (content: unknown): boolean =>
  Array.isArray(content) && content.some((part) => (part as { type?: unknown } | null)?.type !== 'text');

const turnsOf = (messages: readonly InputMessage[]): Turn[] =>
  messages.flatMap(({ id, role, content }) => (Object.hasOwn(ROLES, role) ? [{ id, role: ROLES[role]!, text: textOf(content) }] : []));

export const threadOf = ({ threadId, runId }: Pick<RunInput, 'threadId' | 'runId'>) => ({
  conversationId: idOf(threadId, 'threadId'),
  runId: idOf(runId, 'runId'),
});

/** What a run's input asks for; null when its last message is no user's, so that only a known run can be meant. Throws `bad-frame`. */
export const readRun = (input: RunInput, model: string | undefined): Asked | null => {
  if (input.resume && input.resume.length > 0) refuse('resume', 'nothing waits for an answer in this thread.');
  const last = input.messages.at(-1);
  if (last?.role !== 'user') return null;
  if (hasOtherParts(last.content)) refuse('messages', 'only text is understood in a prompt.');
  const { conversationId, runId } = threadOf(input);
  return { conversationId, runId, turns: turnsOf(input.messages), messageId: idOf(last.id, 'messages.id'), regenerate: false, model };
};
