import { RunnelError } from '@runnel/protocol';
import { systemClock, type Clock } from '../runs/clock.ts';
import type { ChatProvider, Delta, ModelRequest } from './provider.ts';

/** Milliseconds. All of them count only while we wait for the model, not while the model waits for us. */
export interface Timeouts {
  firstTokenMs: number;
  betweenTokensMs: number;
  totalMs: number;
}
export const DEFAULT_TIMEOUTS: Timeouts = { firstTokenMs: 30_000, betweenTokensMs: 30_000, totalMs: 600_000 };

/**
 * Ends a stream at once when the signal aborts, and with `unavailable` when the model takes too long, whether or not the
 * provider heeds its signal.
 */
export const withTimeouts = (provider: ChatProvider, timeouts: Timeouts, clock: Clock = systemClock): ChatProvider => ({
  ...provider,

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<Delta> {
    const heard = (alive: () => void) => (): void => {
      alive();
      request.onLife?.();
    };
    const watched = watch((inner, alive) => provider.stream({ ...request, onLife: heard(alive) }, inner), timeouts, signal, clock);
    try {
      for (let step = await watched.next(); !step.done; step = await watched.next()) yield step.value;
    } finally {
      watched.close();
    }
  },
});

const watch = (
  start: (signal: AbortSignal, onLife: () => void) => AsyncIterable<Delta>,
  timeouts: Timeouts,
  outer: AbortSignal,
  clock: Clock,
) => {
  const inner = new AbortController();
  const iterator = start(inner.signal, () => alive())[Symbol.asyncIterator]();
  let limit = timeouts.firstTokenMs;
  let spent = 0;
  let waiting: { since: number; reject: (reason: unknown) => void } | null = null;
  let timer: NodeJS.Timeout | undefined;

  /** The wait begins again; all waits together stay bounded by `totalMs`. */
  const alive = (): void => {
    if (waiting === null) return;
    const now = clock.now();
    spent += now - waiting.since;
    waiting.since = now;
  };
  const stop = (reason: unknown): void => {
    inner.abort(reason);
    waiting?.reject(reason);
  };
  const onAbort = (): void => stop(outer.reason);
  outer.addEventListener('abort', onAbort, { once: true });
  if (outer.aborted) onAbort();

  // One timer, set again only when it fires: a token costs a look at the clock and not a timer.
  const check = (): void => {
    timer = undefined;
    if (waiting === null) return;
    const waited = clock.now() - waiting.since;
    const left = Math.min(limit, timeouts.totalMs - spent) - waited;
    if (left > 0) timer = setTimeout(check, left);
    else stop(new RunnelError('unavailable', 'The model took too long.'));
  };
  const arrived = (since: number): void => {
    spent += clock.now() - since;
    waiting = null;
    if (limit === timeouts.betweenTokensMs) return;
    limit = timeouts.betweenTokensMs;
    clearTimeout(timer);
    timer = undefined;
  };

  return {
    next: () =>
      new Promise<IteratorResult<Delta>>((resolve, reject) => {
        if (inner.signal.aborted) {
          reject(inner.signal.reason as Error);
          return;
        }
        const since = clock.now();
        waiting = { since, reject };
        if (timer === undefined) check();
        iterator.next().then((step) => {
          arrived(waiting?.since ?? since);
          resolve(step);
        }, reject);
      }),
    close: (): void => {
      clearTimeout(timer);
      outer.removeEventListener('abort', onAbort);
      inner.abort();
      // A generator that waits answers `return` only when it wakes: not to be waited for.
      iterator.return?.().then(undefined, () => undefined);
    },
  };
};
