import { RunnelError } from '@runnel/protocol';
import { APICallError } from 'ai';
import { ProviderFault, scrub, wordsOf } from './provider-fault.ts';

/** What providers call a thread that is longer than their model takes. */
const TOO_LONG =
  /context[_ ](?:length|window|size)|maximum context|too many tokens|prompt is too long|exceed\w* (?:the )?(?:available )?context/i;

/** Seconds, or a date; `retry-after-ms` where a provider is exact. Undefined when it says nothing. Pure. */
export const retryAfterOf = (headers: Record<string, string> | undefined, now: number = Date.now()): number | undefined => {
  const exact = Number(headers?.['retry-after-ms'] ?? Number.NaN);
  if (exact >= 0) return Math.round(exact);
  const told = headers?.['retry-after'];
  if (told === undefined || told.trim() === '') return undefined;
  const ms = Number.isNaN(Number(told)) ? Date.parse(told) - now : Number(told) * 1000;
  return Number.isFinite(ms) ? Math.max(0, Math.round(ms)) : undefined;
};

/** A failure of the SDK as ours. Its errors carry request and answer, so nothing of them but the scrubbed words goes on. */
export const toModelError = (error: unknown, secrets: readonly string[], prompts: readonly string[]): RunnelError => {
  if (error instanceof RunnelError) return error;
  const fault = (words: string, status?: number): { cause?: ProviderFault } => {
    const clean = scrub(words, secrets, prompts);
    return clean === '' && status === undefined ? {} : { cause: new ProviderFault(clean, status) };
  };
  if (!APICallError.isInstance(error)) {
    // Inside of a stream a provider says what it likes: a sentence, or an object.
    const told = error instanceof Error ? '' : wordsOf(error);
    if (TOO_LONG.test(told)) return new RunnelError('too-long', 'The conversation is too long for this model.', fault(told));
    return new RunnelError('unavailable', 'The connection to the model broke.', fault(told));
  }
  const { statusCode: status, responseBody, responseHeaders, isRetryable } = error;
  const words = wordsOf(responseBody ?? '');
  if (status === undefined) return new RunnelError('unavailable', "The model's provider cannot be reached.", fault(words));
  // The answer began well and could not be read to its end.
  if (status < 400) return new RunnelError('unavailable', 'The connection to the model broke.', fault(words, status));
  if ((status === 400 || status === 413) && TOO_LONG.test(words))
    return new RunnelError('too-long', 'The conversation is too long for this model.', fault(words, status));
  const retryAfterMs = retryAfterOf(responseHeaders);
  const details = { ...fault(words, status), ...(retryAfterMs !== undefined && { retryAfterMs }) };
  const message = `The model's provider answered ${status}.`;
  if (status === 429) return new RunnelError('rate-limited', message, details);
  return new RunnelError(isRetryable ? 'unavailable' : 'model-failed', message, details);
};
