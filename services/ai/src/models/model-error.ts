import { RunnelError } from '@runnel/protocol';
import { ProviderFault, scrub, wordsOf } from './provider-fault.ts';

/** What providers call a thread that is longer than their model takes. */
const TOO_LONG =
  /context[_ ](?:length|window|size)|maximum context|too many tokens|prompt is too long|exceed\w* (?:the )?(?:available )?context/i;

/** A provider's answer that is no stream of an answer. Its words are not for the log: they may quote the prompt and the key. */
export class UpstreamAnswer extends Error {
  readonly status: number;
  readonly words: string;
  readonly headers: Headers;

  constructor(status: number, words: string, headers: Headers = {}) {
    super(`answered ${status}`);
    this.name = 'UpstreamAnswer';
    this.status = status;
    this.words = words;
    this.headers = headers;
  }
}
/** What a provider calls an error inside of a stream, as it came: a sentence, or an object. */
export class UpstreamFault extends Error {
  readonly said: unknown;

  constructor(said: unknown) {
    super('an error inside of the stream');
    this.name = 'UpstreamFault';
    this.said = said;
  }
}
type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Statuses that say "later", beside those of the server's own trouble. */
const LATER = new Set([408, 409, 425, 429]);

/** Seconds, or a date; `retry-after-ms` where a provider is exact. Undefined when it says nothing. Pure. */
export const retryAfterOf = (headers: Headers, now: number = Date.now()): number | undefined => {
  const exact = Number(headers['retry-after-ms'] ?? Number.NaN);
  if (exact >= 0) return Math.round(exact);
  const told = String(headers['retry-after'] ?? '');
  if (told.trim() === '') return undefined;
  const ms = Number.isNaN(Number(told)) ? Date.parse(told) - now : Number(told) * 1000;
  return Number.isFinite(ms) ? Math.max(0, Math.round(ms)) : undefined;
};

const BROKE = 'The connection to the model broke.';
/** What Node and undici call a provider that no connection could be made to. */
const UNREACHABLE = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);
const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

/** A provider's own word for its error; a sentence, or what might be a secret, is none. Pure. */
const codeIn = (body: string): string | undefined => {
  try {
    const { error } = JSON.parse(body) as { error?: { code?: unknown; type?: unknown } };
    const code = [error?.code, error?.type].find((word) => typeof word === 'string');
    return typeof code === 'string' && /^[a-z][a-z0-9_.-]{1,63}$/i.test(code) ? code : undefined;
  } catch {
    return undefined;
  }
};

/** A failure of a provider as ours. What it says may quote the request, so nothing but the scrubbed words goes on. */
export const toModelError = (error: unknown, secrets: readonly string[], prompts: readonly string[]): RunnelError => {
  if (error instanceof RunnelError) return error;
  const fault = (words: string, status?: number): { cause?: ProviderFault } => {
    const clean = scrub(words, secrets, prompts);
    return clean === '' && status === undefined ? {} : { cause: new ProviderFault(clean, status) };
  };
  if (!(error instanceof UpstreamAnswer)) {
    const told = error instanceof UpstreamFault ? wordsOf(error.said) : '';
    if (TOO_LONG.test(told)) return new RunnelError('context-length', undefined, fault(told));
    return new RunnelError('unavailable', UNREACHABLE.has(codeOf(error)) ? "The model's provider cannot be reached." : BROKE, fault(told));
  }
  const { status, headers } = error;
  const words = wordsOf(error.words);
  if ((status === 400 || status === 413) && TOO_LONG.test(words)) return new RunnelError('context-length', undefined, fault(words, status));
  const retryAfterMs = retryAfterOf(headers);
  const providerCode = codeIn(error.words);
  const details = {
    ...{ ...fault(words, status), providerStatus: status },
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(providerCode !== undefined && { providerCode }),
  };
  const message = `The model's provider answered ${status}.`;
  if (status === 429) return new RunnelError('rate-limited', message, details);
  return new RunnelError(status >= 500 || LATER.has(status) ? 'unavailable' : 'model-failed', message, details);
};

/** A provider's words for a request that is wrong: another model would be asked the same. */
const WRONG_REQUESTS: ReadonlySet<number> = new Set([400, 413, 422]);

/** Whether another model may do better: this one is away, refuses, has enough to do, or its key or quota is at an end. Pure. */
export const mayFallBack = ({ code, providerStatus }: RunnelError): boolean =>
  (code === 'model-failed' || code === 'rate-limited') && !(providerStatus !== undefined && WRONG_REQUESTS.has(providerStatus));
