import type { Finish } from '@runnel/protocol';
import type { ModelParams } from '@runnel/protocol/http';
import { messageBlocks, type Block } from '../message-blocks.ts';
import { isPrompt, type Delta, type ModelMessage, type ModelRequest } from '../provider.ts';
import { UpstreamFault } from '../model-error.ts';
import type { Codec, Decoder, RemoteSettings } from './codec.ts';
import { readEvent, unreadable } from './read-event.ts';
import { systemText, turnsOf } from './thread.ts';
import { SignedThoughts } from './signed-thoughts.ts';
import { wholeUsage } from './whole-usage.ts';

const VERSION = '2023-06-01';

/** Anthropic's messages: the parts of an answer as they begin, grow and end, then its reason and what it cost. */
export const anthropicMessages = ({ body: extra, sampling = {} }: RemoteSettings): Codec => ({
  path: '/messages',
  headers: (apiKey = '') => ({ 'x-api-key': apiKey, 'anthropic-version': VERSION }),
  body(request) {
    const system = systemText(request);
    const { params = {} } = request;
    const wanted = params.max_completion_tokens ?? params.max_tokens;
    const most = sampling.maxOutputTokens ?? mostTokens(request.model);
    return {
      model: request.model,
      max_tokens: Math.min(wanted ?? most, most),
      messages: messagesOf(request),
      stream: true,
      ...toolsOf(request),
      ...(system !== '' && { system: [{ type: 'text', text: system }] }),
      temperature: sampling.temperature,
      top_p: sampling.topP,
      stop_sequences: sampling.stop,
      ...asked(params),
      ...extra,
      ...(isUnsigned(request) && 'thinking' in (extra ?? {}) && { thinking: { type: 'disabled' } }),
    };
  },
  decoder: () => new MessageDecoder(),
});

/**
 * Whether a step of this answer was said on another node, which took its signed thoughts with it. A model that thinks refuses results of calls
 * without them, so it goes on without thinking.
 */
const isUnsigned = ({ messages }: ModelRequest): boolean =>
  messages.slice(messages.findLastIndex(isPrompt) + 1).some(({ turn, signed }) => turn?.tool_calls !== undefined && signed === undefined);

/** A caller's own tools are refused before: this adapter does not accept them. */
const toolsOf = ({ tools = [] }: ModelRequest): object =>
  tools.length > 0 ? { tools: tools.map(({ name, description, parameters }) => ({ name, description, input_schema: parameters })) } : {};

/** Letters they take in the id of a call. */
const idOf = (id = ''): string => id.replace(/[^A-Za-z0-9_-]/g, '_') || 'call';

const blocksOf = (message: ModelMessage): object[] => {
  const { text, turn } = message;
  if (turn?.role === 'tool')
    return [{ type: 'tool_result', tool_use_id: idOf(turn.tool_call_id), content: text === '' ? '(nothing)' : text }];
  const said = text.trim() === '' && turn?.tool_calls ? [] : messageBlocks(message).map(contentOf);
  const calls = (turn?.tool_calls ?? []).map(({ id, function: called }) => ({
    ...{ type: 'tool_use', id: idOf(id), name: called.name },
    input: argumentsOf(called.arguments),
  }));
  return [...(message.signed ?? []), ...said, ...calls];
};

/** Theirs are objects; what a model wrote that is none was told to it as an error. */
const argumentsOf = (json: string): object => {
  try {
    const value: unknown = JSON.parse(json || '{}');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : { unreadable: json };
  } catch {
    return { unreadable: json };
  }
};

/** The results of one step are one turn, right behind the turn that called. */
const messagesOf = (request: ModelRequest): object[] => {
  const turns: { role: string; content: object[]; isResult: boolean }[] = [];
  for (const message of turnsOf(request)) {
    const isResult = message.turn?.role === 'tool';
    const last = turns.at(-1);
    if (isResult && last?.isResult) last.content.push(...blocksOf(message));
    else turns.push({ role: message.role, content: blocksOf(message), isResult });
  }
  return turns.map(({ role, content }) => ({ role, content }));
};

const contentOf = (block: Block): object =>
  'text' in block
    ? { type: 'text', text: block.text }
    : { type: 'image', source: { type: 'base64', media_type: block.mediaType, data: block.picture } };

/** A temperature of theirs ends at 1. */
const asked = ({ temperature, top_p, stop, user }: ModelParams): object => ({
  ...(typeof temperature === 'number' && { temperature: Math.min(1, temperature) }),
  ...(typeof top_p === 'number' && { top_p }),
  ...(stop !== undefined && stop !== null && { stop_sequences: typeof stop === 'string' ? [stop] : stop }),
  ...(typeof user === 'string' && { metadata: { user_id: user } }),
});

/** `max_tokens` must be said, and not be more than the model can: what each family takes, where nobody set less. */
const mostTokens = (model: string): number => {
  if (/claude-(?:instant|2|3)(?:$|[-.])/.test(model)) return 4096;
  return /claude-opus-4(?:-1|-\d{8}|@|$)/.test(model) ? 32_000 : 64_000;
};

interface MessageEvent {
  type?: string;
  message?: { usage?: Counts };
  index?: number;
  content_block?: { type?: string; text?: string; id?: unknown; name?: unknown; thinking?: unknown; data?: unknown };
  delta?: { type?: string; text?: string; thinking?: unknown; signature?: unknown; partial_json?: unknown; stop_reason?: string | null };
  usage?: Counts;
}
/** Tokens that were read from a cache or written to one were read all the same. */
interface Counts {
  input_tokens?: number | null;
  cache_creation_input_tokens?: number | null;
  cache_read_input_tokens?: number | null;
  output_tokens?: number | null;
}

const FINISHES: Readonly<Record<string, Finish>> = {
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tools',
  refusal: 'filter',
};

const ALIVE: readonly Delta[] = [{ text: '' }];

class MessageDecoder implements Decoder {
  done = false;
  #finish: Finish | undefined;
  #counts: Counts | undefined;
  readonly #thoughts = new SignedThoughts();

  event(data: string): readonly Delta[] {
    const event = readEvent(data) as MessageEvent;
    switch (event.type) {
      case 'message_start':
        this.#count(event.message?.usage);
        return ALIVE;
      case 'content_block_start':
        this.#thoughts.begin(event.content_block);
        return event.content_block?.type === 'tool_use'
          ? callOf(event)
          : textOf(event.content_block?.type === 'text' ? event.content_block.text : '');
      case 'content_block_delta':
        this.#thoughts.grow(event.delta);
        return deltaOf(event);
      case 'content_block_stop':
        return this.#thoughts.end();
      case 'message_delta':
        this.#count(event.usage);
        if (typeof event.delta?.stop_reason === 'string') this.#finish = FINISHES[event.delta.stop_reason] ?? 'stop';
        return ALIVE;
      case 'message_stop':
        this.done = true;
        return [];
      case 'error':
        throw new UpstreamFault(event);
      case undefined:
        throw unreadable();
      default:
        // `ping`, the ends of parts, and what later versions add.
        return ALIVE;
    }
  }

  end(): readonly Delta[] {
    const { input_tokens, cache_creation_input_tokens, cache_read_input_tokens, output_tokens } = this.#counts ?? {};
    // Without a cache there are no counts of it; without `input_tokens` nothing is known of the prompt.
    const cached = (cache_creation_input_tokens ?? 0) + (cache_read_input_tokens ?? 0);
    const usage = wholeUsage(typeof input_tokens === 'number' ? input_tokens + cached : undefined, output_tokens);
    return [...(usage ? [{ usage }] : []), ...(this.#finish ? [{ finish: this.#finish }] : [])];
  }

  /** Later counts are of the whole message so far; those of its beginning stay where the end does not name them. */
  #count(counts: Counts | undefined): void {
    if (!counts) return;
    const told = Object.fromEntries(Object.entries(counts).filter(([, value]) => typeof value === 'number'));
    this.#counts = { ...this.#counts, ...told };
  }
}

const callOf = ({ index, content_block: { id, name } = {} }: MessageEvent): readonly Delta[] =>
  typeof id === 'string' && typeof name === 'string' ? [{ call: { key: String(index), id, name, input: '' } }] : ALIVE;

const deltaOf = ({ index, delta = {} }: MessageEvent): readonly Delta[] => {
  const { type, text, thinking, partial_json: input } = delta;
  if (type === 'input_json_delta' && typeof input === 'string') return [{ call: { key: String(index), input } }];
  if (type === 'thinking_delta' && typeof thinking === 'string' && thinking !== '') return [{ reasoning: thinking }];
  return textOf(type === 'text_delta' ? text : '');
};

const textOf = (text: unknown): readonly Delta[] => (typeof text === 'string' && text !== '' ? [{ text }] : ALIVE);
