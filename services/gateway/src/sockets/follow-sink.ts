import type { RunnelError } from '@runnel/protocol';
import type { SendQueue } from '../connections/send-queue.ts';
import type { Sink } from '../follow/follower.ts';
import type { Outgoing } from '../follow/wire-event.ts';
import type { GatewayMetrics } from '../metrics.ts';

export interface FollowSinkDeps {
  queue: SendQueue;
  metrics: Pick<GatewayMetrics, 'resumes' | 'resumeSeconds'>;
  /** The client sent a cursor. */
  resuming: boolean;
  /** Answers the `follow` frame: with `ok`, or with the error. Called once at most; absent for a follow that no frame asked for. */
  answer?: ((error?: RunnelError) => void) | undefined;
  /** A read failed after the answer. */
  notifyOutage(error: RunnelError): void;
  /** The follow is over. */
  unfollow(): void;
}

/** Events of one follow on a WebSocket: from its follower to the socket's send queue. A class: `send` runs for each chunk of each reader. */
export class FollowSink implements Sink {
  readonly #deps: FollowSinkDeps;
  readonly #queue: SendQueue;
  readonly #askedAt = performance.now();
  #isAnswered = false;
  #isFirst = true;

  constructor(deps: FollowSinkDeps) {
    this.#deps = deps;
    this.#queue = deps.queue;
  }

  opened(): void {
    this.#answer();
  }

  send(event: Outgoing, logId: string | null): void {
    if (this.#isFirst) this.#countResume(event);
    this.#queue.send(event, logId);
  }

  failed(error: RunnelError): void {
    if (!error.retryable) this.#deps.unfollow();
    if (!this.#answer(error)) this.#deps.notifyOutage(error);
  }

  /** @returns false when the frame has its answer already */
  #answer(error?: RunnelError): boolean {
    const { answer } = this.#deps;
    if (this.#isAnswered || answer === undefined) return false;
    this.#isAnswered = true;
    answer(error);
    return true;
  }

  #countResume({ type }: Outgoing): void {
    this.#isFirst = false;
    const { metrics, resuming } = this.#deps;
    const kind = !resuming ? 'fresh' : type === 'snapshot' ? 'snapshot' : 'tail';
    metrics.resumes.inc({ kind });
    metrics.resumeSeconds.observe({ kind }, (performance.now() - this.#askedAt) / 1000);
  }
}
