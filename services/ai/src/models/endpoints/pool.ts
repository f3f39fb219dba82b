import { RunnelError } from '@runnel/protocol';
import { mayFallBack } from '../model-error.ts';
import { systemClock, type Clock } from '../../runs/clock.ts';
import type { ChatProvider, Delta, ModelRequest } from '../provider.ts';
import { FRESH, answered, begun, dropped, failed, isResting, pickEndpoint, type EndpointState } from './ejection.ts';

export interface Endpoint {
  /** How metrics and people call it. */
  name: string;
  weight: number;
  /** The model's name there; that of the request when absent. */
  model?: string | undefined;
  /** With deadlines of its own. */
  provider: ChatProvider;
}

export const ENDPOINT_OUTCOMES = ['answered', 'failed', 'ejected'] as const;
export type EndpointOutcome = (typeof ENDPOINT_OUTCOMES)[number];

export interface PoolOptions {
  clock?: Clock;
  random?: () => number;
  onOutcome?: (endpoint: string, outcome: EndpointOutcome) => void;
}

/** One request goes to so many at the most: who waits wants an answer or a failure. */
export const MOST_ASKED = 3;

/**
 * Equal endpoints as one provider. An endpoint that refuses, or says nothing, before its first sign of an answer is passed over for another
 * at once; one that breaks in the middle is only remembered: whether an answer goes on is not decided here.
 */
export const createPool = (endpoints: readonly Endpoint[], options: PoolOptions = {}): ChatProvider => {
  const { clock = systemClock, random = Math.random, onOutcome } = options;
  const weights = endpoints.map(({ weight }) => weight);
  const states: EndpointState[] = endpoints.map(() => FRESH);

  const tellFailed = (at: number, startedAt: number, error: unknown, signal: AbortSignal): void => {
    // The caller's own end; a deadline of ours is a failure of the endpoint's.
    if (signal.aborted && !(signal.reason instanceof RunnelError)) return void (states[at] = dropped(states[at]!));
    const isTheirs = !(error instanceof RunnelError) || error.code === 'unavailable' || mayFallBack(error);
    const before = states[at]!;
    if (!isTheirs) return void (states[at] = answered(before, startedAt));
    const retryAfterMs = error instanceof RunnelError && error.code === 'rate-limited' ? error.retryAfterMs : undefined;
    states[at] = failed(before, startedAt, clock.now(), retryAfterMs);
    onOutcome?.(endpoints[at]!.name, 'failed');
    if (states[at].ejections > before.ejections) onOutcome?.(endpoints[at]!.name, 'ejected');
  };

  async function* askOne(at: number, request: ModelRequest, signal: AbortSignal): AsyncGenerator<Delta, undefined> {
    const { provider, model = request.model, name } = endpoints[at]!;
    const startedAt = clock.now();
    let isOver = false;
    states[at] = begun(states[at]!);
    try {
      yield* provider.stream({ ...request, model }, signal);
      isOver = true;
      if (signal.aborted) states[at] = dropped(states[at]);
      else {
        states[at] = answered(states[at], startedAt);
        onOutcome?.(name, 'answered');
      }
    } catch (error) {
      isOver = true;
      tellFailed(at, startedAt, error, signal);
      throw error;
    } finally {
      // Whoever read it went away.
      if (!isOver) states[at] = dropped(states[at]!);
    }
  }

  return {
    canContinue: endpoints.every(({ provider }) => provider.canContinue),
    isDown: () => endpoints.every(({ weight }, at) => weight === 0 || isResting(states[at]!, clock.now())),
    endpoints: () => endpoints.map(({ name }, at) => ({ name, resting: isResting(states[at]!, clock.now()) })),
    async close() {
      await Promise.allSettled(endpoints.map(({ provider }) => provider.close?.()));
    },

    async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<Delta> {
      const asked = new Set<number>();
      for (;;) {
        const at = pickEndpoint(weights, states, asked, clock.now(), random());
        if (at === null) throw new RunnelError('unavailable', 'No endpoint of this model may be asked.');
        asked.add(at);
        let isBegun = false;
        try {
          for await (const delta of askOne(at, request, signal)) {
            isBegun = true;
            yield delta;
          }
          return;
        } catch (error) {
          const isLast = asked.size >= MOST_ASKED || pickEndpoint(weights, states, asked, clock.now(), 0) === null;
          const isPassing = error instanceof RunnelError && (error.code === 'unavailable' || mayFallBack(error));
          if (isBegun || isLast || signal.aborted || !isPassing) throw error;
        }
      }
    },
  };
};
