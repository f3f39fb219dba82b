import type { StoredMessage } from '@runnel/coordination';
import { ModelRequest, parseBody, type Turn } from '@runnel/protocol/http';
import { fitThread, givenFiles, isSaid, RunnelError, tokensOf, type Trimmed } from '@runnel/protocol';
import type { ModelMessage, ModelRequest as Request } from '../models/provider.ts';
import type { Model } from '../models/registry.ts';
import type { Claim } from './run-job.ts';

/** What a model is asked, beside the text that stands. */
export interface Asked extends Pick<Request, 'messages' | 'params'> {
  /** How closely its caller wants a picture to be looked at, by its file. */
  details?: Readonly<Record<string, string>>;
  /** The request cannot be read: no model is asked. */
  error?: RunnelError;
}

const textOf = ({ content }: Turn): string =>
  typeof content === 'string'
    ? content
    : (content ?? []).flatMap((part) => (typeof part['text'] === 'string' ? [part['text']] : [])).join('\n');

/** A message of text alone is one of ours. */
const ofTurn = ({ files, ...turn }: Turn): ModelMessage => {
  const text = textOf(turn);
  const parts = files && files.length > 0 ? { parts: files } : {};
  const isPlain = typeof turn.content === 'string' && !turn.tool_calls && turn.role !== 'tool' && turn.name === undefined;
  if (isPlain && turn.role !== 'tool') return { role: turn.role, text, ...parts };
  return { role: turn.role === 'tool' ? 'user' : turn.role, text, turn, ...parts };
};

const ofThread = (messages: readonly StoredMessage[]): ModelMessage[] =>
  messages.filter(isSaid).map((message) => {
    const { role, text } = message;
    const files = givenFiles(message);
    return { role, text, ...(files.length > 0 && { parts: files }) };
  });

/** The thread as the caller wrote it: all of it in a conversation that this request made, else its last messages behind the log's. */
const ofRequest = (messages: readonly StoredMessage[], { first, turns, last }: NonNullable<ModelRequest['thread']>): ModelMessage[] => {
  if (messages[0]?.messageId === first) return turns.map(ofTurn);
  const earlier = messages.slice(0, -1);
  const own = turns.slice(last);
  const asking = earlier.at(-1);
  if (asking?.role !== 'assistant') return [...ofThread(earlier), ...own.map(ofTurn)];
  // Results of tools come with the turn that asked for them, which the log has as an answer; or alone, and then the log says what was asked.
  const isTold = own[0]?.role === 'assistant';
  const called = own[0]?.role === 'tool' ? callingTurn(asking) : null;
  const before = isTold || called ? earlier.slice(0, -1) : earlier;
  return [...ofThread(before), ...(called ? [called] : []), ...own.map(ofTurn)];
};

/** An answer that called its caller's own tools, as the provider said it; null: it called none. */
const callingTurn = ({ text, parts = [] }: StoredMessage): ModelMessage | null => {
  const calls = parts.filter(({ kind, server, state }) => kind === 'tool' && server === undefined && state === 'done');
  if (calls.length === 0) return null;
  const tool_calls = calls.map(({ partId, callId, name = '', input }) => ({
    id: callId ?? partId,
    type: 'function' as const,
    function: { name, arguments: input || '{}' },
  }));
  return { role: 'assistant', text, turn: { role: 'assistant', content: text === '' ? null : text, tool_calls } };
};

/** What a model is asked that cannot go on behind a text of its own. */
const GO_ON =
  'Your answer was cut off. Go on exactly where it ends, in its language and format; repeat nothing and say nothing about this.';

/**
 * A thread of the log, as much of it as the model has room for: what `run-started` was told by the same rule. An API's is never cut: its
 * caller is told that it is too long.
 */
const fitted = (
  { messages, system = '', request }: Claim,
  { info: { promptTokens } }: Model,
): ReturnType<typeof fitThread<StoredMessage>> | null =>
  promptTokens === undefined || request !== undefined ? null : fitThread(messages, promptTokens - tokensOf(system));

/** What of the thread this model does not get; null: it gets all. */
export const trimmedOf = (claim: Claim, model: Model): Trimmed | null => fitted(claim, model)?.trimmed ?? null;

/**
 * The model's input: the system text of its entry, of the conversation and of this request, then the thread.
 */
export const askedOf = (claim: Claim, model: Model): Asked => {
  const { messages, request } = claim;
  const read = request === undefined ? {} : readRequest(request);
  if (read instanceof RunnelError) return { messages: ofThread(messages), error: read };
  const { params, instructions, thread, details } = read;
  const texts = [model.system, claim.system, instructions].filter((own) => own !== null && own !== undefined && own !== '') as string[];
  const asked = [
    ...texts.map((own) => ({ role: 'system' as const, text: own })),
    ...(thread ? ofRequest(messages, thread) : ofThread(fitted(claim, model)?.kept ?? messages)),
  ];
  return { messages: asked, ...(params && { params }), ...(details && { details }) };
};

/** A text that stands, for a model that cannot go on behind one of its own: it is asked to, in a turn of its own. */
export const goOnFrom = <T extends Pick<Request, 'messages' | 'prefix'>>(
  thread: T,
  { provider }: Model,
): Pick<Request, 'messages' | 'prefix'> => {
  const { messages, prefix } = thread;
  if (prefix === '' || provider.canContinue) return thread;
  return { messages: [...messages, { role: 'assistant', text: prefix }, { role: 'user', text: GO_ON }], prefix: '' };
};

export const readRequest = (json: string): ModelRequest | RunnelError => {
  try {
    return parseBody(ModelRequest, JSON.parse(json));
  } catch (cause) {
    return new RunnelError('internal', undefined, { cause });
  }
};
