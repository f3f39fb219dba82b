import { Type, type Static } from 'typebox';
import type { SeedMessage } from '@runnel/coordination';
import { RunnelError, newId, type Role } from '@runnel/protocol';

/** Turns a request may bring; the store keeps the newest 200 messages of a conversation. */
const MAX_TURNS = 150;
/** Characters of all earlier turns together. */
const MAX_CONTEXT_CHARS = 400_000;

const Part = Type.Object({ type: Type.String(), text: Type.Optional(Type.String()) });
const Turn = Type.Object({
  role: Type.String({ description: 'system, developer, user or assistant' }),
  content: Type.Optional(Type.Union([Type.String(), Type.Array(Part), Type.Null()])),
});

/** What is read of a request. Sampling parameters (temperature, max_tokens, …) are accepted and not applied. */
export const CompletionBody = Type.Object({
  model: Type.Optional(Type.String({ maxLength: 200 })),
  messages: Type.Array(Turn, { minItems: 1, maxItems: MAX_TURNS }),
  stream: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
  stream_options: Type.Optional(Type.Union([Type.Object({ include_usage: Type.Optional(Type.Boolean()) }), Type.Null()])),
  n: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
  tools: Type.Optional(Type.Union([Type.Array(Type.Unknown()), Type.Null()])),
  response_format: Type.Optional(Type.Union([Type.Object({ type: Type.String() }), Type.Null()])),
});
export type CompletionBody = Static<typeof CompletionBody>;
type Turn = Static<typeof Turn>;

/** A request as a prompt of ours. */
export interface Completion {
  /** The last user message; trimmed and measured by the command. */
  prompt: string;
  /** Everything before it, for a conversation that is new. */
  seed: SeedMessage[];
  model: string | undefined;
  stream: boolean;
  includeUsage: boolean;
}

const ROLES: Record<string, Role> = { system: 'system', developer: 'system', user: 'user', assistant: 'assistant' };

const refuse = (where: string, why: string): never => {
  throw new RunnelError('bad-frame', `${where}: ${why}`);
};

const roleOf = (turn: Turn, index: number): Role =>
  (Object.hasOwn(ROLES, turn.role) && ROLES[turn.role]) ||
  refuse(`messages[${index}].role`, 'must be system, developer, user or assistant.');

const textOf = ({ content }: Turn, index: number): string => {
  if (typeof content === 'string') return content.toWellFormed();
  const parts = content ?? refuse(`messages[${index}].content`, 'only text is understood; tool calls are not supported.');
  const texts = parts.map(({ type, text }) =>
    type === 'text' && text !== undefined ? text : refuse(`messages[${index}].content`, 'only text parts are understood.'),
  );
  return texts.join('').toWellFormed();
};

/** What would change the answer if it were passed over in silence is refused. */
const checkSupported = ({ n, tools, response_format: format }: CompletionBody): void => {
  if (typeof n === 'number' && n !== 1) refuse('n', 'one answer at a time.');
  if (tools && tools.length > 0) refuse('tools', 'not supported.');
  if (format && format.type !== 'text') refuse('response_format', 'only text is supported.');
};

/**
 * Reads an OpenAI chat completion request: the last user message is the prompt, what stands before it the context. System
 * messages after it count as context too. Throws `bad-frame` or `too-long`.
 */
export const readCompletion = (body: CompletionBody): Completion => {
  checkSupported(body);
  const turns = body.messages.map((turn, index) => ({ role: roleOf(turn, index), text: textOf(turn, index) }));
  const last = turns.findLastIndex((turn) => turn.role !== 'system');
  const prompt = turns[last];
  if (prompt?.role !== 'user') return refuse('messages', 'the last message must be a user message.');
  const context = turns.filter((turn, index) => index !== last && turn.text.trim() !== '');
  if (context.reduce((sum, turn) => sum + turn.text.length, 0) > MAX_CONTEXT_CHARS) {
    throw new RunnelError('too-long', `messages: at most ${MAX_CONTEXT_CHARS} characters before the last one.`);
  }
  return {
    prompt: prompt.text,
    seed: context.map((turn) => ({ messageId: newId(), ...turn })),
    model: body.model || undefined,
    stream: body.stream === true,
    includeUsage: body.stream_options?.include_usage === true,
  };
};
