import type { Finish, Usage } from '@runnel/protocol';

/** What every object of one answer shares. */
export interface AnswerHead {
  runId: string;
  model: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
}

export type FinishReason = 'stop' | 'length' | 'content_filter' | 'tool_calls';

const FINISHES: Partial<Record<Finish, FinishReason>> = { length: 'length', filter: 'content_filter', tools: 'tool_calls' };

/** Ours as OpenAI's. A pod that did not say has no better word than `stop`. */
export const finishReasonOf = (finish: Finish | undefined): FinishReason => FINISHES[finish ?? 'stop'] ?? 'stop';

/** `usage` as OpenAI counts it; what nobody counted is 0. */
const usageOf = ({ promptTokens, completionTokens }: Usage = { promptTokens: 0, completionTokens: 0 }) => ({
  prompt_tokens: promptTokens,
  completion_tokens: completionTokens,
  total_tokens: promptTokens + completionTokens,
});

const head = ({ runId, model, createdAt }: AnswerHead, object: string) => ({
  id: `chatcmpl-${runId}`,
  object,
  created: Math.floor(createdAt / 1000),
  model,
});

export interface ToolCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}

/** An answer that has ended. */
export interface WholeAnswer {
  text: string;
  /** What the model thought; '' nothing. */
  reasoning: string;
  calls: readonly ToolCall[];
  finish: FinishReason;
  usage: Usage | undefined;
}

/** The whole answer (`stream: false`). One that only calls tools has no content, as OpenAI's. */
export const completion = (answer: AnswerHead, { text, reasoning, calls, finish, usage }: WholeAnswer) => ({
  ...head(answer, 'chat.completion'),
  choices: [
    {
      index: 0,
      message: {
        role: 'assistant',
        content: text === '' && calls.length > 0 ? null : text,
        refusal: null,
        // Not OpenAI's own, but what vLLM, DeepSeek and their clients call it.
        ...(reasoning !== '' && { reasoning_content: reasoning }),
        ...(calls.length > 0 && { tool_calls: calls }),
      },
      logprobs: null,
      finish_reason: finish,
    },
  ],
  usage: usageOf(usage),
});

export interface Delta {
  role?: 'assistant';
  content?: string | null;
  reasoning_content?: string;
  tool_calls?: (ToolCall & { index: number })[];
}

/** One piece (`stream: true`). `withUsage`: the caller asked for usage, so every piece but the last says null. */
export const chunk = (answer: AnswerHead, delta: Delta, finish: FinishReason | null, withUsage: boolean) => ({
  ...head(answer, 'chat.completion.chunk'),
  choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  ...(withUsage && { usage: null }),
});

/** The last piece for a caller who has not said whether they want the usage: it goes along, and costs nobody a piece without a choice. */
export const lastChunk = (answer: AnswerHead, finish: FinishReason, usage: Usage | undefined) => ({
  ...head(answer, 'chat.completion.chunk'),
  choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: finish }],
  usage: usageOf(usage),
});

/** The piece after the last one that carries the usage and nothing else. */
export const usageChunk = (answer: AnswerHead, usage: Usage | undefined) => ({
  ...head(answer, 'chat.completion.chunk'),
  choices: [],
  usage: usageOf(usage),
});

export const sse = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`;
export const DONE = 'data: [DONE]\n\n';
