import { RunnelError, type ErrorCode } from '@runnel/protocol';
import { failureHeaders, type HttpFailure } from '../../http/plumbing/problem.ts';

export interface ApiWords {
  /** OpenAI's own word for it. */
  code: string;
  /** The field of the request that it is about, as its SDKs write it: `messages[0].content`. */
  param?: string;
  /** Absent: that of our code. */
  status?: number;
}

/** An error that OpenAI's dialects have a word for and ours has not. */
export class ApiError extends RunnelError {
  readonly api: ApiWords;

  constructor(code: ErrorCode, message: string, api: ApiWords) {
    super(code, message);
    this.api = api;
  }
}

/** A request that asks for something which is not done: by name, and never passed over in silence. */
const refusal = (param: string, why: string, code = 'unsupported_value'): ApiError =>
  new ApiError('bad-frame', `${param}: ${why}`, { code, param });
export const refuse = (param: string, why: string, code?: string): never => {
  throw refusal(param, why, code);
};

/** Somebody stopped the run: what stands of it is no answer, and a retry would get the same. */
export const cancelled = (): ApiError =>
  new ApiError('not-found', 'The answer was cancelled; its conversation has what stands of it.', { code: 'cancelled', status: 422 });
/** Kept are the beginnings of long arguments, for people to read. */
export const cutCall = (): ApiError =>
  new ApiError('not-found', 'The arguments of a call are too long to be told a second time.', { code: 'tool_call_gone', status: 410 });
/** What was sent cannot be taken back, and the model said something else the second time. */
export const restarted = (): ApiError =>
  new ApiError('model-failed', 'The answer had to begin again on another node; its conversation holds it whole.', { code: 'restarted' });

/** Our codes where OpenAI has a word of its own for the same. */
const CODES: Partial<Record<ErrorCode, string>> = {
  unauthorized: 'invalid_api_key',
  'token-expired': 'invalid_api_key',
  'model-unknown': 'model_not_found',
  'rate-limited': 'rate_limit_exceeded',
  'too-long': 'context_length_exceeded',
  'context-length': 'context_length_exceeded',
  'bad-frame': 'invalid_request',
  internal: 'server_error',
};

const typeOf = (status: number): string => {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
};

/** What a provider says of our key is for the operator: the caller's own is fine. */
const OURS = new Set([401, 403, 407]);

/** A provider's own status, an unknown model as a missing resource, what is too long as a bad request: what OpenAI's clients expect. */
export const openAiStatus = ({ error, status }: HttpFailure): number => {
  if (error instanceof ApiError) return error.api.status ?? status;
  if (error.code === 'model-unknown') return 404;
  if (error.code === 'too-long' || error.code === 'context-length') return 400;
  const { providerStatus } = error;
  return providerStatus !== undefined && providerStatus >= 400 && providerStatus < 600 && !OURS.has(providerStatus)
    ? providerStatus
    : status;
};

/** The word of an error, as bodies and metrics have it. */
export const openAiCode = (error: RunnelError): string => {
  if (error instanceof ApiError) return error.api.code;
  const own = error.code === 'too-long' || error.code === 'context-length' ? undefined : error.providerCode;
  return own ?? CODES[error.code] ?? error.code.replaceAll('-', '_');
};

/** The body of an error, and the data of one inside a stream. */
export const openAiError = (failure: HttpFailure) => {
  const { error } = failure;
  const param = error instanceof ApiError ? (error.api.param ?? null) : error.code === 'model-unknown' ? 'model' : null;
  return { error: { message: error.message, type: typeOf(openAiStatus(failure)), param, code: openAiCode(error) } };
};

/** Statuses that OpenAI's clients repeat unless they are told not to. */
const REPEATED = (status: number): boolean => status === 408 || status === 409 || status === 429 || status >= 500;

/** Whether the same request may succeed later. A provider that refuses our key, or the request itself, will do so again. */
const mayPass = ({ code, retryable, providerStatus }: RunnelError): boolean =>
  retryable && !(code === 'model-failed' && providerStatus !== undefined && providerStatus < 500);

export const openAiHeaders = (failure: HttpFailure): Record<string, string> => ({
  ...failureHeaders(failure),
  ...(REPEATED(openAiStatus(failure)) && !mayPass(failure.error) && { 'x-should-retry': 'false' }),
});
