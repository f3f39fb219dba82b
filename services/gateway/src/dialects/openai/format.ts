import type { ErrorCode, Finish, Usage } from '@runnel/protocol';
import type { HttpFailure } from '../../http/plumbing/problem.ts';

/** What every object of one answer shares. */
export interface AnswerHead {
  runId: string;
  model: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
}

export type FinishReason = 'stop' | 'length' | 'content_filter' | 'tool_calls';

const FINISHES: Partial<Record<Finish, FinishReason>> = { length: 'length', filter: 'content_filter', tools: 'tool_calls' };

/** Ours as OpenAI's. An answer that was stopped, or whose pod did not say, has no better word than `stop`. */
export const finishReasonOf = (finish: Finish | undefined): FinishReason => FINISHES[finish ?? 'stop'] ?? 'stop';

/** `usage` as OpenAI counts it. */
const usageOf = ({ promptTokens, completionTokens }: Usage) => ({
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

/** The whole answer (`stream: false`). */
export const completion = (answer: AnswerHead, content: string, finish: FinishReason, usage: Usage | undefined) => ({
  ...head(answer, 'chat.completion'),
  choices: [{ index: 0, message: { role: 'assistant', content, refusal: null }, logprobs: null, finish_reason: finish }],
  ...(usage && { usage: usageOf(usage) }),
});

export interface Delta {
  role?: 'assistant';
  content?: string;
}

/** One piece (`stream: true`). `withUsage`: the caller asked for usage, so every piece but the last says null. */
export const chunk = (answer: AnswerHead, delta: Delta, finish: FinishReason | null, withUsage: boolean) => ({
  ...head(answer, 'chat.completion.chunk'),
  choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  ...(withUsage && { usage: null }),
});

/** The piece after the last one that carries the usage and nothing else. */
export const usageChunk = (answer: AnswerHead, usage: Usage) => ({
  ...head(answer, 'chat.completion.chunk'),
  choices: [],
  usage: usageOf(usage),
});

export const sse = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`;
export const DONE = 'data: [DONE]\n\n';

/** Our codes where OpenAI has a word of its own for the same. */
const CODES: Partial<Record<ErrorCode, string>> = {
  unauthorized: 'invalid_api_key',
  'token-expired': 'invalid_api_key',
  'model-unknown': 'model_not_found',
  'rate-limited': 'rate_limit_exceeded',
  'too-long': 'context_length_exceeded',
  'context-length': 'context_length_exceeded',
  internal: 'server_error',
};

const typeOf = (status: number): string => {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
};

/** An unknown model is a missing resource to OpenAI's clients. */
export const openAiStatus = ({ error, status }: HttpFailure): number => (error.code === 'model-unknown' ? 404 : status);

/** The body of an error, and the data of one inside a stream. `param` is the field a refusal names. */
export const openAiError = (failure: HttpFailure) => {
  const { error } = failure;
  const param = /^([\w[\].]+): /.exec(error.code === 'bad-frame' || error.code === 'too-long' ? error.message : '')?.[1] ?? null;
  return {
    error: {
      message: error.message,
      type: typeOf(openAiStatus(failure)),
      param: error.code === 'model-unknown' ? 'model' : param,
      code: CODES[error.code] ?? error.code.replaceAll('-', '_'),
    },
  };
};
