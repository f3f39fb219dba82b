import type { GatewayMetrics } from '../metrics.ts';

/** Every chunk would cost more to measure than to forward. */
const SAMPLE_EVERY = 8;
const AT_AND_T = /"at":(\d+),"t":(\d+)/;

/** Measures what Runnel adds between a model's byte and the sockets, on a sample, by the `t` that chunks carry (W-15). */
export class ChunkLatency {
  readonly #metrics: Pick<GatewayMetrics, 'chunkSeconds' | 'firstSeconds'>;
  #count = 0;

  constructor(metrics: Pick<GatewayMetrics, 'chunkSeconds' | 'firstSeconds'>) {
    this.#metrics = metrics;
  }

  /** `head`: the first bytes of a chunk, behind the hand-over of the whole to the sockets. */
  chunk(head: string): void {
    // The first chunk of a run is always measured: it is what people wait for.
    const first = head.includes('"at":0,');
    if (!first && this.#count++ % SAMPLE_EVERY !== 0) return;
    const match = AT_AND_T.exec(head);
    if (match === null) return;
    const seconds = Math.max(0, Date.now() - Number(match[2])) / 1000;
    this.#metrics.chunkSeconds.observe(seconds);
    if (first) this.#metrics.firstSeconds.observe(seconds);
  }
}
