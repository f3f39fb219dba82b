import { fullJitter } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import { BrokenCircuitError, circuitBreaker, CircuitState, ConsecutiveBreaker, handleWhen, type CircuitBreakerPolicy } from 'cockatiel';
import { systemClock, type Clock } from '../runs/clock.ts';
import type { ChatProvider, Delta, ModelRequest } from './provider.ts';
import { continued } from './continued.ts';
import { withTimeouts, type Timeouts } from './watchdog.ts';

export interface GuardOptions {
  timeouts: Timeouts;
  /** True for providers over a network: tries again before the first token, and a breaker spares one that is down. */
  remote: boolean;
  clock?: Clock;
  random?: () => number;
  /** How often a stream is opened before its failure stands: 3 when absent. One is enough where another model can answer. */
  openings?: number;
  /** How long an open breaker refuses before it lets one call try. */
  breakMs?: number;
}

const OPENINGS = 3;
/** A provider that asks for a longer pause than this is not waited for: who asked is told how long it is. */
const PATIENCE_MS = 5_000;
const RETRY = { baseMs: 250, maxMs: 2000 };
const FAILURES_TO_BREAK = 5;
const BREAK_MS = 10_000;
/** After so long without a try nothing is known of it. */
const DOWN_MS = 300_000;

/**
 * A provider with its timeouts, retries and breaker. What it throws for the model's sake is `model-failed`, but for what says more
 * (`context-length`, `rate-limited`).
 */
export const guard = (provider: ChatProvider, options: GuardOptions): ChatProvider => {
  const timed = withTimeouts(
    options.remote ? continued(withRetries(provider, options), options) : provider,
    options.timeouts,
    options.clock,
  );
  return {
    ...timed,
    async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<Delta> {
      try {
        yield* timed.stream(request, signal);
      } catch (error) {
        if (signal.aborted) return;
        throw toFailure(error);
      }
    },
  };
};

const SAYS_MORE = new Set<string>(['context-length', 'rate-limited', 'model-failed']);
const toFailure = (error: unknown): RunnelError => {
  if (!(error instanceof RunnelError)) return new RunnelError('model-failed', undefined, { cause: error });
  if (SAYS_MORE.has(error.code)) return error;
  const { message, cause, retryAfterMs, providerStatus, providerCode } = error;
  const told = {
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(providerStatus !== undefined && { providerStatus }),
    ...(providerCode !== undefined && { providerCode }),
  };
  return new RunnelError('model-failed', message, { cause, ...told });
};

/** Opens a stream up to `openings` times. After the first token `continued` decides: the reader has seen it. */
const withRetries = (provider: ChatProvider, options: GuardOptions): ChatProvider => {
  const { clock = systemClock, random, breakMs = BREAK_MS, openings = OPENINGS } = options;
  const breaker = circuitBreaker(handleWhen(isOutage), { halfOpenAfter: breakMs, breaker: new ConsecutiveBreaker(FAILURES_TO_BREAK) });

  let failedAt = Number.NEGATIVE_INFINITY;
  breaker.onFailure(() => (failedAt = clock.now()));

  const openOften = async (request: ModelRequest, signal: AbortSignal): Promise<Opened> => {
    for (let attempt = 0; ; attempt++) {
      try {
        return await open(provider, breaker, request, signal);
      } catch (error) {
        const askedMs = error instanceof RunnelError ? (error.retryAfterMs ?? 0) : 0;
        if (signal.aborted || !mayPass(error) || attempt + 1 >= (request.once ? 1 : openings) || askedMs > PATIENCE_MS) throw error;
        await clock.sleep(askedMs + fullJitter({ attempt, ...RETRY, ...(random && { random }) }), signal);
      }
    }
  };
  return {
    ...provider,
    isDown: () => (breaker.state !== CircuitState.Closed && clock.now() - failedAt < DOWN_MS) || provider.isDown?.() === true,
    async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<Delta> {
      const { first, iterator } = await openOften(request, signal);
      if (first.done) return;
      yield first.value;
      yield* { [Symbol.asyncIterator]: () => iterator };
    },
  };
};

interface Opened {
  first: IteratorResult<Delta>;
  iterator: AsyncIterator<Delta>;
}

/** Asked again it may answer: it is away, or has enough to do. */
const mayPass = (error: unknown): boolean => isOutage(error) || (error instanceof RunnelError && error.code === 'rate-limited');
const isOutage = (error: unknown): boolean => error instanceof RunnelError && error.code === 'unavailable';

const open = async (provider: ChatProvider, breaker: CircuitBreakerPolicy, request: ModelRequest, signal: AbortSignal): Promise<Opened> => {
  try {
    return await breaker.execute(async () => {
      const iterator = provider.stream(request, signal)[Symbol.asyncIterator]();
      const first = await orAborted(iterator.next(), signal);
      return { first, iterator };
    });
  } catch (error) {
    throw error instanceof BrokenCircuitError ? new RunnelError('model-failed', 'The model failed too often; it is given a rest.') : error;
  }
};

/**
 * Fails with the signal's reason as soon as it aborts. The watchdog's reason is `unavailable`, which counts for the breaker; a
 * cancel's is a word, which does not.
 */
const orAborted = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    const settle =
      <V>(act: (value: V) => void) =>
      (value: V): void => {
        signal.removeEventListener('abort', onAbort);
        if (signal.aborted) onAbort();
        else act(value);
      };
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(settle(resolve), settle(reject));
  });
