import type { Finish } from '@runnel/protocol';
import type { ModelParams } from '@runnel/protocol/http';
import { messageBlocks, type Block } from '../message-blocks.ts';
import type { Delta } from '../provider.ts';
import { UpstreamFault } from '../model-error.ts';
import type { Codec, Decoder, RemoteSettings } from './codec.ts';
import { readEvent, unreadable } from './read-event.ts';
import { systemText, turnsOf } from './thread.ts';
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
      messages: turnsOf(request).map((message) => ({ role: message.role, content: messageBlocks(message).map(contentOf) })),
      stream: true,
      ...(system !== '' && { system: [{ type: 'text', text: system }] }),
      temperature: sampling.temperature,
      top_p: sampling.topP,
      stop_sequences: sampling.stop,
      ...asked(params),
      ...extra,
    };
  },
  decoder: () => new MessageDecoder(),
});

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
  content_block?: { type?: string; text?: string };
  delta?: { type?: string; text?: string; stop_reason?: string | null };
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

  event(data: string): readonly Delta[] {
    const event = readEvent(data) as MessageEvent;
    switch (event.type) {
      case 'message_start':
        this.#count(event.message?.usage);
        return ALIVE;
      case 'content_block_start':
        return textOf(event.content_block?.type === 'text' ? event.content_block.text : '');
      case 'content_block_delta':
        return textOf(event.delta?.type === 'text_delta' ? event.delta.text : '');
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

const textOf = (text: unknown): readonly Delta[] => (typeof text === 'string' && text !== '' ? [{ text }] : ALIVE);
