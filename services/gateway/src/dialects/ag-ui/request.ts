import { Type, type Static } from 'typebox';
import { digestOf } from '@runnel/coordination';
import { RunnelError, type Role } from '@runnel/protocol';
import type { Asked } from '../begin.ts';
import type { AskedDecision } from '../parts/decide-asked.ts';
import { idOf, type Turn } from '../turns.ts';

const ToolCall = Type.Object({ id: Type.String(), function: Type.Object({ arguments: Type.String() }) });
const InputMessage = Type.Object({
  id: Type.Optional(Type.String()),
  role: Type.String(),
  content: Type.Optional(Type.Unknown()),
  toolCalls: Type.Optional(Type.Array(ToolCall)),
});
type InputMessage = Static<typeof InputMessage>;

const ResumeEntry = Type.Object({
  interruptId: Type.String(),
  status: Type.Enum(['resolved', 'cancelled']),
  payload: Type.Optional(Type.Unknown()),
});

/** What is read of a run's input. */
export const RunInput = Type.Object({
  threadId: Type.String({ description: 'The conversation' }),
  runId: Type.String({ description: 'The run, and the id of the message it writes; a known one is joined' }),
  messages: Type.Array(InputMessage),
  resume: Type.Optional(Type.Union([Type.Array(ResumeEntry), Type.Null()], { description: 'Answers to interrupts, by their ids' })),
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
  const last = input.messages.at(-1);
  if (last?.role !== 'user') return null;
  if (hasOtherParts(last.content)) refuse('messages', 'only text is understood in a prompt.');
  const { conversationId, runId } = threadOf(input);
  return { conversationId, runId, turns: turnsOf(input.messages), messageId: idOf(last.id, 'messages.id'), regenerate: false, model };
};

const PAYLOAD = '{approved: boolean, reason?: string} for a call, a text for a question.';

interface Payload {
  approved?: unknown;
  answer?: unknown;
  reason?: unknown;
  inputSha256?: unknown;
  editedArgs?: unknown;
}

/** What the answers to interrupts decide; empty: there are none. The arguments that a person was shown are in the messages. Throws `bad-frame`. */
export const readResume = ({ messages, resume }: RunInput): AskedDecision[] => {
  const shown = new Map(messages.flatMap(({ toolCalls = [] }) => toolCalls.map((call) => [call.id, call.function.arguments] as const)));
  return (resume ?? []).map(({ interruptId: partId, status, payload }) => {
    if (status === 'cancelled') return { partId, isApproved: false };
    if (typeof payload === 'string') return { partId, isApproved: true, isAnswer: true, text: payload };
    const said: Payload = typeof payload === 'boolean' ? { approved: payload } : ((payload ?? {}) as Payload);
    const { approved, answer, reason, inputSha256, editedArgs } = said;
    if (typeof answer === 'string') return { partId, isApproved: true, isAnswer: true, text: answer };
    if (typeof approved !== 'boolean') return refuse('resume.payload', PAYLOAD);
    if (editedArgs !== undefined) refuse('resume.payload', 'a call is made with the arguments that the model wrote, or not at all.');
    const input = shown.get(partId);
    const digest = input === undefined ? inputSha256 : digestOf(input);
    const text = typeof reason === 'string' && reason !== '' ? { text: reason } : {};
    return { partId, isApproved: approved, ...text, ...(typeof digest === 'string' && { inputSha256: digest }) };
  });
};
