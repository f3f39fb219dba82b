import type { Finish, Usage } from '@runnel/protocol';
import { UpstreamFault } from '../model-error.ts';
import type { Delta, ModelMessage, ModelRequest } from '../provider.ts';
import type { Codec, Decoder, RemoteSettings } from './codec.ts';
import { readEvent, unreadable } from './read-event.ts';
import { systemText, turnsOf } from './thread.ts';
import { wholeUsage } from './whole-usage.ts';

export interface OpenAiSettings extends RemoteSettings {
  /** Extra fields of the request body when an answer is continued, e.g. vLLM's `continue_final_message`. */
  continueBody?: Record<string, unknown> | undefined;
}

/** OpenAI's chat completions, which vLLM, Ollama, llama.cpp and many others speak: one `chat.completion.chunk` an event. */
export const openAiChat = ({ continueBody, temperature, maxOutputTokens }: OpenAiSettings): Codec => ({
  path: '/chat/completions',
  headers: (apiKey): Record<string, string> => (apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  body(request) {
    const messages = messagesOf(request);
    return {
      model: request.model,
      messages,
      stream: true,
      stream_options: { include_usage: true },
      ...(temperature !== undefined && { temperature }),
      ...(maxOutputTokens !== undefined && { max_tokens: maxOutputTokens }),
      ...(request.tools && request.tools.length > 0 && { tools: request.tools.map((tool) => ({ type: 'function', function: tool })) }),
      ...(messages.at(-1)?.role === 'assistant' && continueBody),
    };
  },
  decoder: () => new ChunkDecoder(),
});

interface Turn {
  role: string;
  content: string | null;
  tool_calls?: object[];
  tool_call_id?: string;
}

const turnOf = ({ role, text, calls, callId }: ModelMessage): Turn => ({
  role,
  content: calls !== undefined && text === '' ? null : text,
  ...(calls && { tool_calls: calls.map(({ id, name, input }) => ({ id, type: 'function', function: { name, arguments: input } })) }),
  ...(callId !== undefined && { tool_call_id: callId }),
});

const messagesOf = (request: ModelRequest): Turn[] => {
  const system = systemText(request);
  const turns = turnsOf(request).map(turnOf);
  return system === '' ? turns : [{ role: 'system', content: system }, ...turns];
};

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
