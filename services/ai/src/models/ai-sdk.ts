import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { RunnelError, type Finish } from '@runnel/protocol';
import { streamText, type FinishReason, type LanguageModel, type ModelMessage as SdkMessage, type TextStreamPart, type ToolSet } from 'ai';
import { toModelError } from './model-error.ts';
import type { ChatProvider, Delta, ModelRequest } from './provider.ts';

/** The SDK prints what a model does not support; a service's output is its log. */
globalThis.AI_SDK_LOG_WARNINGS = false;

export interface SdkSettings {
  baseURL?: string | undefined;
  apiKey?: string | undefined;
  canContinue: boolean;
  /** Extra fields of the request body when an answer is continued, e.g. vLLM's `continue_final_message`. */
  continueBody?: Record<string, unknown> | undefined;
  temperature?: number | undefined;
  maxOutputTokens?: number | undefined;
}

/** Anything that speaks OpenAI's chat completions: OpenAI, vLLM, Ollama, llama.cpp, … */
export const createOpenAiProvider = (settings: SdkSettings & { baseURL: string }): ChatProvider => {
  const { baseURL, apiKey, continueBody } = settings;
  const sdk = (tapped: typeof fetch) =>
    createOpenAICompatible({
      fetch: tapped,
      name: 'openai-compatible',
      baseURL,
      includeUsage: true,
      ...(apiKey !== undefined && { apiKey }),
      ...(continueBody !== undefined && {
        transformRequestBody: (body) => (endsWithAssistant(body) ? { ...body, ...continueBody } : body),
      }),
    });
  return createSdkProvider((model, tapped) => sdk(tapped).chatModel(model), settings);
};

export const createAnthropicProvider = (settings: SdkSettings): ChatProvider => {
  const { baseURL, apiKey = '' } = settings;
  const sdk = (tapped: typeof fetch) => createAnthropic({ fetch: tapped, apiKey, ...(baseURL !== undefined && { baseURL }) });
  return createSdkProvider((model, tapped) => sdk(tapped)(model), settings);
};

const endsWithAssistant = (body: Record<string, unknown>): boolean =>
  Array.isArray(body['messages']) && (body['messages'].at(-1) as { role?: unknown } | undefined)?.role === 'assistant';

const createSdkProvider = (modelOf: (name: string, tapped: typeof fetch) => LanguageModel, settings: SdkSettings): ChatProvider => ({
  canContinue: settings.canContinue,

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<Delta> {
    const instructions = systemText(request);
    const result = streamText({
      model: modelOf(request.model, tapFetch(request.onLife)),
      messages: toSdkMessages(request),
      abortSignal: signal,
      // Trying again is the guard's business: only it knows whether a token was shown.
      maxRetries: 0,
      onError: () => undefined,
      ...(instructions !== '' && { instructions }),
      ...(settings.temperature !== undefined && { temperature: settings.temperature }),
      ...(settings.maxOutputTokens !== undefined && { maxOutputTokens: settings.maxOutputTokens }),
    });
    const skip = skipRepeatedBlanks(request.prefix);
    try {
      for await (const part of result.stream) {
        for (const delta of toDeltas(part)) yield 'text' in delta ? { text: skip(delta.text) } : delta;
      }
    } catch (error) {
      throw toModelError(
        error,
        settings.apiKey === undefined ? [] : [settings.apiKey],
        request.messages.map(({ text }) => text),
      );
    }
  },
});

/** The SDK drops comments of a stream, which are a sign of life: so the bytes are looked at before it gets them. */
const tapFetch =
  (onLife: () => void = () => undefined): typeof fetch =>
  async (...request) => {
    const response = await fetch(...request);
    if (response.body === null) return response;
    const tap = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(bytes, controller) {
        onLife();
        controller.enqueue(bytes);
      },
    });
    return new Response(response.body.pipeThrough(tap), response);
  };

const systemText = ({ messages }: ModelRequest): string =>
  messages
    .filter(({ role }) => role === 'system')
    .map(({ text }) => text)
    .join('\n\n');

/** The prefix goes as a prefilled turn of the assistant, without blanks at its end: providers refuse or strip those. */
export const toSdkMessages = ({ messages, prefix }: ModelRequest): SdkMessage[] => {
  const turns = messages.flatMap(({ role, text }): SdkMessage[] => (role === 'system' ? [] : [{ role, content: text }]));
  const begun = prefix.trimEnd();
  return begun === '' ? turns : [...turns, { role: 'assistant', content: begun }];
};

/** Models write the blanks again that were cut off the prefix; the first text loses them, so that they stand once. */
export const skipRepeatedBlanks = (prefix: string): ((text: string) => string) => {
  let cut = prefix.slice(prefix.trimEnd().length);
  if (cut === prefix) cut = '';
  return (text) => {
    let same = 0;
    while (same < text.length && same < cut.length && text[same] === cut[same]) same++;
    cut = same === text.length ? cut.slice(same) : '';
    return text.slice(same);
  };
};

const toDeltas = (part: TextStreamPart<ToolSet>): Delta[] => {
  switch (part.type) {
    case 'text-delta':
      return [{ text: part.text }];
    // Thinking is not shown, but it is a sign of life for the timeouts.
    case 'reasoning-delta':
      return [{ text: '' }];
    case 'finish':
      if (!isWhole(part.finishReason, part.rawFinishReason)) throw new RunnelError('unavailable', 'The model stopped without saying why.');
      return [...usageOf(part.totalUsage), { finish: FINISHES[part.finishReason] ?? 'stop' }];
    case 'error':
      throw part.error;
    default:
      return [];
  }
};

/** Reasons of a provider that the SDK has no word for are ends as well. */
const FINISHES: Partial<Record<FinishReason, Finish>> = { length: 'length', 'content-filter': 'filter', 'tool-calls': 'tools' };

/** Nothing when the provider counted nothing: then the run's usage is an estimate, and not 0. */
const usageOf = ({ inputTokens, outputTokens }: { inputTokens?: number | undefined; outputTokens?: number | undefined }): Delta[] =>
  inputTokens === undefined && outputTokens === undefined
    ? []
    : [{ usage: { promptTokens: inputTokens ?? 0, completionTokens: outputTokens ?? 0 } }];

/** A connection that closes early looks like an end; only a provider that gives a reason has ended. */
const isWhole = (reason: FinishReason, raw: string | undefined): boolean => reason !== 'error' && raw !== undefined;
