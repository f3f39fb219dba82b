import type { Finish, Usage } from '@runnel/protocol';
import type { ModelParams, Turn } from '@runnel/protocol/http';
import { UpstreamFault } from '../model-error.ts';
import { messageBlocks, messageText, type Block } from '../message-blocks.ts';
import type { Delta, ModelMessage, ModelRequest } from '../provider.ts';
import type { Codec, Decoder, RemoteSettings, Sampling } from './codec.ts';
import { readEvent, unreadable } from './read-event.ts';
import { withPrefix } from './thread.ts';
import { wholeUsage } from './whole-usage.ts';

export interface OpenAiSettings extends RemoteSettings {
  /** Extra fields of the request body when an answer is continued, e.g. vLLM's `continue_final_message`. */
  continueBody?: Record<string, unknown> | undefined;
}

/** OpenAI's chat completions, which vLLM, Ollama, llama.cpp and many others speak: one `chat.completion.chunk` an event. */
export const openAiChat = ({ continueBody, body: extra, sampling }: OpenAiSettings): Codec => ({
  path: '/chat/completions',
  headers: (apiKey): Record<string, string> => (apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  body(request) {
    const messages = messagesOf(request);
    return {
      model: request.model,
      messages,
      stream: true,
      stream_options: { include_usage: true },
      ...samplingOf(sampling),
      ...asked(request.params, sampling),
      ...toolsOf(request),
      ...extra,
      ...(isBegun(request) && continueBody),
    };
  },
  decoder: () => new ChunkDecoder(),
});

/** A caller's own tools stay the only ones of its request. */
const toolsOf = ({ tools = [], params }: ModelRequest): object =>
  tools.length > 0 && params?.tools === undefined ? { tools: tools.map((tool) => ({ type: 'function', function: tool })) } : {};

/** The answer has a beginning: what stands of it, or what the caller began. */
const isBegun = ({ messages, prefix }: ModelRequest): boolean => prefix.trimEnd() !== '' || messages.at(-1)?.role === 'assistant';

/** The caller's parameters by the names they came with. No more tokens than the model's entry allows, whichever name they have. */
const asked = (params: ModelParams = {}, { maxOutputTokens: most = Infinity, maxTokensField }: Sampling = {}): object => {
  const { max_tokens: older, max_completion_tokens: newer, ...rest } = params;
  const told = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null && value !== undefined));
  const wanted = newer ?? older;
  if (typeof wanted !== 'number') return told;
  const name = maxTokensField ?? (typeof newer === 'number' ? 'max_completion_tokens' : 'max_tokens');
  return { ...told, max_tokens: undefined, [name]: Math.min(most, wanted) };
};

/** In their order. System texts at the beginning are one message, since some models' templates take no second one there. */
const messagesOf = ({ messages, prefix }: ModelRequest): object[] => {
  const first = messages.findIndex(({ role }) => role !== 'system');
  const leading = messages.slice(0, first < 0 ? messages.length : first);
  const rest = withPrefix(messages.slice(leading.length), prefix).map(
    (message) => (message.turn && withFiles(message.turn, message)) ?? { role: message.role, content: contentOf(message) },
  );
  const system = leading.map(({ text }) => text).join('\n\n');
  return system === '' ? rest : [{ role: 'system', content: system }, ...rest];
};

/** A turn as its caller wrote it, with its files before what it says. */
const withFiles = (turn: Turn, message: ModelMessage): Turn => {
  const { files = [] } = message;
  if (files.length === 0) return turn;
  const told = messageBlocks({ ...message, text: '' }).map(partOf);
  const said = typeof turn.content === 'string' ? [{ type: 'text', text: turn.content }] : (turn.content ?? []);
  return { ...turn, content: [...told, ...said] };
};

/** Text alone is a string: not every server takes parts. */
const contentOf = (message: ModelMessage): string | object[] => {
  const blocks = messageBlocks(message);
  if (blocks.every((block) => 'text' in block)) return messageText(message);
  return blocks.map(partOf);
};

const partOf = (block: Block): Record<string, unknown> => {
  if ('text' in block) return { type: 'text', text: block.text };
  const { mediaType, picture, detail } = block;
  return { type: 'image_url', image_url: { url: `data:${mediaType};base64,${picture}`, ...(detail !== undefined && { detail }) } };
};

/** What is undefined does not reach the provider: JSON leaves it out. */
const samplingOf = ({ maxTokensField = 'max_tokens', ...sampling }: Sampling = {}): object => ({
  temperature: sampling.temperature,
  top_p: sampling.topP,
  frequency_penalty: sampling.frequencyPenalty,
  presence_penalty: sampling.presencePenalty,
  seed: sampling.seed,
  stop: sampling.stop,
  [maxTokensField]: sampling.maxOutputTokens,
});

/** The fields that are read; everything about them is to be checked, for each server has its own idea of the others. */
interface Chunk {
  error?: unknown;
  choices?: { delta?: ChunkDelta | null; finish_reason?: string | null }[];
  usage?: { prompt_tokens?: unknown; completion_tokens?: unknown } | null;
}
interface ChunkDelta {
  /** Mistral's reasoning models send parts. */
  content?: string | { type?: string; text?: string }[] | null;
  refusal?: string | null;
  /** Thinking: vLLM, DeepSeek and others say the first, OpenRouter and Ollama the second. */
  reasoning_content?: unknown;
  reasoning?: unknown;
  tool_calls?: unknown;
  annotations?: unknown;
}

const FINISHES: Readonly<Record<string, Finish>> = {
  length: 'length',
  content_filter: 'filter',
  tool_calls: 'tools',
  function_call: 'tools',
};

/** A delta that says nothing: a sign of life for the timeouts. */
const ALIVE: readonly Delta[] = [{ text: '' }];

class ChunkDecoder implements Decoder {
  done = false;
  #finish: Finish | undefined;
  #usage: Usage | undefined;

  event(data: string): readonly Delta[] {
    if (data === '[DONE]') {
      this.done = true;
      return [];
    }
    const chunk = readEvent(data) as Chunk;
    if (chunk.error !== undefined && chunk.error !== null) throw new UpstreamFault(chunk);
    const { choices = [], usage } = chunk;
    if (!Array.isArray(choices)) throw unreadable();
    if (usage) this.#usage = wholeUsage(usage.prompt_tokens, usage.completion_tokens) ?? this.#usage;
    const choice = choices[0];
    if (choice === undefined) return ALIVE;
    // Azure sends a choice without a reason behind the one that had it.
    if (typeof choice.finish_reason === 'string') this.#finish = FINISHES[choice.finish_reason] ?? 'stop';
    const delta = choice.delta ?? {};
    const text = textOf(delta);
    const others = othersOf(delta);
    if (others.length === 0) return text === '' ? ALIVE : [{ text }];
    return text === '' ? others : [...others, { text }];
  }

  end(): readonly Delta[] {
    return [...(this.#usage ? [{ usage: this.#usage }] : []), ...(this.#finish ? [{ finish: this.#finish }] : [])];
  }
}

/** What a delta says beside its text: thinking, calls of tools, sources. A field of another shape says nothing. */
const othersOf = (delta: ChunkDelta): Delta[] => {
  const { reasoning_content: thought = delta.reasoning, tool_calls: calls, annotations } = delta;
  const said: Delta[] = [];
  if (typeof thought === 'string' && thought !== '') said.push({ reasoning: thought });
  if (Array.isArray(calls)) for (const call of calls) said.push(...callOf(call));
  if (Array.isArray(annotations)) for (const annotation of annotations) said.push(...sourceOf(annotation));
  return said;
};

const callOf = (value: unknown): Delta[] => {
  const {
    index,
    id,
    function: called,
  } = (value ?? {}) as { index?: unknown; id?: unknown; function?: { name?: unknown; arguments?: unknown } };
  // Some servers send whole calls without an index.
  const key = typeof index === 'number' ? String(index) : typeof id === 'string' ? id : '';
  const { name, arguments: input } = called ?? {};
  if (key === '') return [];
  const named = typeof name === 'string' && name !== '' ? { name } : {};
  const known = typeof id === 'string' && id !== '' ? { id } : {};
  return [{ call: { key, ...known, ...named, input: typeof input === 'string' ? input : '' } }];
};

const sourceOf = (value: unknown): Delta[] => {
  const { type, url_citation: cited } = (value ?? {}) as { type?: unknown; url_citation?: { url?: unknown; title?: unknown } };
  const { url, title } = cited ?? {};
  if (type !== 'url_citation' || typeof url !== 'string' || !/^https?:/.test(url)) return [];
  return [{ source: { url, title: typeof title === 'string' && title !== '' ? title : url } }];
};

const textOf = ({ content, refusal }: ChunkDelta): string => {
  if (typeof content === 'string') return content;
  if (Array.isArray(content)) return content.map(({ type, text }) => (type === 'text' && typeof text === 'string' ? text : '')).join('');
  return typeof refusal === 'string' ? refusal : '';
};
