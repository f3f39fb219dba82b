import { CircuitState, ConsecutiveBreaker, ExponentialBackoff, circuitBreaker, handleAll, type CircuitBreakerPolicy } from 'cockatiel';
import { callInner, type InnerToken } from '@runnel/kit';
import type { RunRef } from '@runnel/coordination';
import { parseBody, PodModelList, type PodModel } from '@runnel/protocol/http';
import type { JsonAnswer, JsonClient } from './json-client.ts';

/**
 * What a pod says to a run: `accepted`; `taken` (another one owns it, or it has ended: nothing left to do); a refusal, after
 * which the next pod is asked (`unsuited` model, `full`, `draining`); `failed`: no answer, or none that makes sense.
 */
export type Offer = 'accepted' | 'taken' | 'unsuited' | 'full' | 'draining' | 'failed';

export interface AiPod {
  readonly url: string;
  /** Left alone for a while: it failed several times in a row. */
  readonly open: boolean;
  /** Runs the pod said it has, and offers on their way to it. */
  readonly load: number;
  offer(run: RunRef): Promise<Offer>;
  /** Rejects when the pod does not answer, or with a body of another shape. */
  models(): Promise<PodModel[]>;
}

/** Who can be asked, now. A static list, or what a cluster says. */
export interface AiPods {
  list(): readonly AiPod[];
  close(): void;
}

/** A pod that works answers within milliseconds; the run is safe in the queue meanwhile. */
const OFFER_TIMEOUT_MS = 1000;
const MODELS_TIMEOUT_MS = 1000;
const FAILURES_TO_OPEN = 3;
const HALF_OPEN = { initialDelay: 500, maxDelay: 10_000 };

const OFFERS: Readonly<Record<number, Offer>> = { 202: 'accepted', 409: 'taken', 422: 'unsuited', 429: 'full', 503: 'draining' };

export class HttpAiPod implements AiPod {
  readonly url: string;
  readonly #client: JsonClient;
  readonly #token: InnerToken;
  readonly #breaker: CircuitBreakerPolicy;
  #running = 0;
  #offering = 0;

  constructor(url: string, client: JsonClient, token: InnerToken) {
    this.url = url;
    this.#client = client;
    this.#token = token;
    this.#breaker = circuitBreaker(handleAll, {
      halfOpenAfter: new ExponentialBackoff(HALF_OPEN),
      breaker: new ConsecutiveBreaker(FAILURES_TO_OPEN),
    });
  }

  get open(): boolean {
    return this.#breaker.state === CircuitState.Open || this.#breaker.state === CircuitState.Isolated;
  }

  get load(): number {
    return this.#running + this.#offering;
  }

  async offer({ conversationId, runId }: RunRef): Promise<Offer> {
    this.#offering++;
    try {
      return await this.#breaker.execute(async () => {
        const answer = await this.#call('POST', '/runs', { body: { conversationId, runId }, timeoutMs: OFFER_TIMEOUT_MS });
        const offer = OFFERS[answer.status];
        if (offer === undefined) throw new Error(`the AI pod answered ${answer.status}`);
        this.#learnLoad(answer.body);
        return offer;
      });
    } catch {
      return 'failed';
    } finally {
      this.#offering--;
    }
  }

  async models(): Promise<PodModel[]> {
    const { status, body } = await this.#call('GET', '/models', { timeoutMs: MODELS_TIMEOUT_MS });
    if (status !== 200) throw new Error(`the AI pod answered ${status} to GET /models`);
    return parseBody(PodModelList, body).models;
  }

  #call(method: 'GET' | 'POST', path: string, options: { body?: unknown; timeoutMs: number }): Promise<JsonAnswer> {
    return callInner(this.#token, (headers) => this.#client.call(method, new URL(path, this.url), { ...options, headers }));
  }

  /** Every answer may say how many runs the pod has (`running`): it knows better than any gateway. */
  #learnLoad(body: unknown): void {
    if (typeof body === 'object' && body !== null && 'running' in body && typeof body.running === 'number') this.#running = body.running;
  }
}

export const staticPods = (urls: readonly string[], client: JsonClient, token: InnerToken): AiPods => {
  const pods = urls.map((url) => new HttpAiPod(url, client, token));
  return { list: () => pods, close: () => client.close() };
};
