import type { GatewayMetrics } from '../metrics.ts';
import type { RunTraces } from './run-traces.ts';

type Told = Pick<GatewayMetrics, 'chunkSeconds' | 'firstSeconds' | 'exemplar'>;

/** Every chunk would cost more to measure than to forward. */
const SAMPLE_EVERY = 8;
const AT_AND_T = /"at":(\d+),"t":(\d+)/;

/** Measures what Runnel adds between a model's byte and the sockets, on a sample, by the `t` that chunks carry (W-15). */
export class ChunkLatency {
  readonly #metrics: Told;
  readonly #traces: RunTraces | undefined;
  #count = 0;

  constructor(metrics: Told, traces?: RunTraces) {
    this.#metrics = metrics;
    this.#traces = traces;
  }

  /** `head`: the first bytes of a chunk, behind the hand-over of the whole to the sockets. */
  chunk(head: string): void {
    // The first chunk of a run is always measured: it is what people wait for.
    const first = head.includes('"at":0,');
    if (!first && this.#count++ % SAMPLE_EVERY !== 0) return;
    const match = AT_AND_T.exec(head);
    if (match === null) return;
    const seconds = Math.max(0, Date.now() - Number(match[2])) / 1000;
    const { chunkSeconds, firstSeconds, exemplar } = this.#metrics;
    const trace = this.#traces?.ofChunk(head);
    for (const histogram of first ? [chunkSeconds, firstSeconds] : [chunkSeconds]) {
      histogram.observe(seconds);
      exemplar(histogram, {}, seconds, trace);
    }
  }
}
