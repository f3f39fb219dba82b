const STEP_MS = 0.1;
const BUCKETS = 200_000;

/** Latencies up to 20 s in steps of 0.1 ms: constant memory, no allocation per sample. */
export class Histogram {
  #counts = new Uint32Array(BUCKETS);
  #total = 0;

  add(ms: number): void {
    const bucket = Math.floor(ms / STEP_MS);
    this.#counts[Math.min(Math.max(bucket, 0), BUCKETS - 1)]!++;
    this.#total++;
  }

  get count(): number {
    return this.#total;
  }

  /** Upper edge of the bucket that holds the quantile, ms; null without samples. */
  quantile(q: number): number | null {
    if (this.#total === 0) return null;
    const rank = Math.max(1, Math.ceil(q * this.#total));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) return Number(((bucket + 1) * STEP_MS).toFixed(1));
    }
    return null;
  }

  summary(): Quantiles {
    return { count: this.#total, p50: this.quantile(0.5), p99: this.quantile(0.99), max: this.quantile(1) };
  }

  reset(): void {
    this.#counts = new Uint32Array(BUCKETS);
    this.#total = 0;
  }
}

export interface Quantiles {
  count: number;
  /** ms */
  p50: number | null;
  p99: number | null;
  max: number | null;
}
