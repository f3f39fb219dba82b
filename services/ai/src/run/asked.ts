import type { StoredMessage } from '@runnel/coordination';
import { ModelRequest, parseBody, type Turn } from '@runnel/protocol/http';
import { RunnelError } from '@runnel/protocol';
import type { ModelMessage, ModelRequest as Request } from '../models/provider.ts';
import type { Claim } from './generate.ts';

/** What a model is asked, beside the text that stands. */
export interface Asked extends Pick<Request, 'messages' | 'params'> {
  /** The request cannot be read: no model is asked. */
  error?: RunnelError;
}

const textOf = ({ content }: Turn): string =>
  typeof content === 'string'
    ? content
    : (content ?? []).flatMap((part) => (typeof part['text'] === 'string' ? [part['text']] : [])).join('\n');

/** A message of text alone is one of ours. */
const ofTurn = (turn: Turn): ModelMessage => {
  const text = textOf(turn);
  const isPlain = typeof turn.content === 'string' && !turn.tool_calls && turn.role !== 'tool' && turn.name === undefined;
  if (isPlain && turn.role !== 'tool') return { role: turn.role, text };
  return { role: turn.role === 'tool' ? 'user' : turn.role, text, turn };
};

/** Deleted and empty messages say nothing. */
const ofThread = (messages: readonly StoredMessage[]): ModelMessage[] =>
  messages.filter(({ status, text }) => status !== 'deleted' && text !== '').map(({ role, text }) => ({ role, text }));

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

/** The model's input: the system text of its entry and of this request, then the thread. */
export const askedOf = ({ messages, request }: Claim, system: string | null): Asked => {
  const read = request === undefined ? {} : readRequest(request);
  if (read instanceof RunnelError) return { messages: ofThread(messages), error: read };
  const { params, instructions, thread } = read;
  const texts = [system, instructions].filter((text) => text !== null && text !== undefined && text !== '') as string[];
  return {
    messages: [...texts.map((text) => ({ role: 'system' as const, text })), ...(thread ? ofRequest(messages, thread) : ofThread(messages))],
    ...(params && { params }),
  };
};

const readRequest = (json: string): ModelRequest | RunnelError => {
  try {
    return parseBody(ModelRequest, JSON.parse(json));
  } catch (cause) {
    return new RunnelError('internal', undefined, { cause });
  }
};
