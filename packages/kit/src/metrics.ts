import {
  collectDefaultMetrics,
  Counter,
  Gauge,
  Histogram,
  Registry,
  type MetricObjectWithValues,
  type MetricValueWithName,
} from 'prom-client';
import { renderOpenMetrics, sampleName, type Exemplar } from './openmetrics.ts';
import { stockName, withStockNames } from './telemetry/stock-names.ts';

export type { Counter, Gauge, Histogram } from 'prom-client';

/** Bounds in seconds; the promised figures (5, 50, 120, 250 ms) are bounds, so that a quantile against them is exact. */
export const LATENCY_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.12, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export interface Metrics {
  readonly registry: Registry;
  /** Asking twice for one name gives the same metric. */
  counter<L extends string = never>(name: string, help: string, labels?: readonly L[]): Counter<L>;
  gauge<L extends string = never>(name: string, help: string, labels?: readonly L[]): Gauge<L>;
  histogram<L extends string = never>(name: string, help: string, buckets: readonly number[], labels?: readonly L[]): Histogram<L>;
  /** The gauge is set when somebody asks for the metrics, and costs nothing between. */
  sampled(gauge: Gauge, read: () => number | Promise<number>): void;
  /** Counts for a counter without labels at the price of an addition: what came together is told when somebody asks for the metrics. */
  tally(counter: Counter): { inc(): void };
  /** Keeps the trace of what was just observed: the newest for each bucket is shown beside it, in OpenMetrics only. */
  exemplar<L extends string>(
    histogram: Histogram<L>,
    labels: Readonly<Record<L, string>>,
    value: number,
    traceId: string | undefined,
  ): void;
  /** The Prometheus exposition text. */
  text(): Promise<string>;
  /** The same as OpenMetrics, with exemplars. */
  openMetrics(): Promise<string>;
}

/**
 * A registry of its own for one service, so that several services can live in one process.
 * `processMetrics` adds CPU, memory, garbage collection and event loop lag of the process; the lag is looked at every `loopLookMs`, and told as
 * what lies between two looks.
 */
export function createMetrics(service: string, { processMetrics = true, loopLookMs = 10 } = {}): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  if (processMetrics) collectDefaultMetrics({ register: registry, prefix: 'runnel_', eventLoopMonitoringPrecision: loopLookMs });

  const once = <M>(name: string, labels: readonly string[], create: () => M): M => {
    checkNames(name, labels);
    return (registry.getSingleMetric(name) as M | undefined) ?? create();
  };
  const samples: (() => Promise<void>)[] = [];
  const exemplars = new Map<string, Exemplar>();
  // A sample that fails is missing from this scrape; the others are not.
  const sample = (): Promise<unknown> => Promise.allSettled(samples.map((read) => read()));
  return {
    registry,
    counter: <L extends string = never>(name: string, help: string, labels: readonly L[] = []) =>
      once(name, labels, () => new Counter<L>({ name, help, labelNames: [...labels], registers: [registry] })),
    gauge: <L extends string = never>(name: string, help: string, labels: readonly L[] = []) =>
      once(name, labels, () => new Gauge<L>({ name, help, labelNames: [...labels], registers: [registry] })),
    histogram: <L extends string = never>(name: string, help: string, buckets: readonly number[], labels: readonly L[] = []) =>
      once(name, labels, () => new Histogram<L>({ name, help, buckets: [...buckets], labelNames: [...labels], registers: [registry] })),
    sampled(gauge, read) {
      samples.push(async () => gauge.set(await read()));
    },
    tally(counter) {
      let count = 0;
      samples.push(async () => {
        counter.inc(count);
        count = 0;
      });
      return { inc: () => void count++ };
    },
    exemplar(histogram, labels, value, traceId) {
      if (traceId === undefined) return;
      const { name, upperBounds } = histogram as unknown as { name: string; upperBounds: readonly number[] };
      const le = upperBounds.find((bound) => value <= bound) ?? '+Inf';
      exemplars.set(sampleName(`${name}_bucket`, { le, ...labels, service }), { traceId, value, at: Date.now() / 1000 });
    },
    async text() {
      await sample();
      return withStockNames(await registry.metrics());
    },
    async openMetrics() {
      await sample();
      // The declared type has no values; they are there.
      const gathered = (await registry.getMetricsAsJSON()) as unknown as MetricObjectWithValues<MetricValueWithName<string>>[];
      const stock = gathered.flatMap((metric) => {
        const name = stockName(metric.name);
        const renamed = (of: string | undefined) => (of === undefined ? of : (stockName(of) ?? of));
        if (name === undefined) return [];
        return [{ ...metric, name, values: metric.values.map((value) => ({ ...value, metricName: renamed(value.metricName) })) }];
      });
      return renderOpenMetrics([...gathered, ...stock] as typeof gathered, (line) => exemplars.get(line));
    },
  };
}

/** For the run log's `onCommand`: each command's seconds, by the outcome words of the log's own table. */
export function storeObserver(metrics: Metrics): (command: string, seconds: number, outcome: string) => void {
  const commandSeconds = metrics.histogram('runnel_store_command_seconds', 'Commands to Redis', LATENCY_BUCKETS_SECONDS, [
    'command',
    'outcome',
  ]);
  return (command, seconds, outcome) => commandSeconds.observe({ command, outcome }, seconds);
}

/**
 * Begins a counter at zero for every combination of its known words. A series that appears with its first event shows no rise to
 * `rate()` and `increase()`, so the first failure after each deployment would not be seen. Only for lists that are short and fixed.
 */
export function startAtZero<L extends string>(counter: Counter<L>, words: Readonly<Record<L, readonly string[]>>): void {
  const labels = Object.entries(words) as [L, readonly string[]][];
  const all = labels.reduce<Partial<Record<L, string>>[]>(
    (sets, [label, values]) => sets.flatMap((set) => values.map((value) => ({ ...set, [label]: value }))),
    [{}],
  );
  for (const set of all) counter.inc(set, 0);
}

function checkNames(name: string, labels: readonly string[]): void {
  if (!/^(runnel|gen_ai)_[a-z0-9_]+$/.test(name))
    throw new Error(`metric ${name} must be named runnel_…, or gen_ai_… as OpenTelemetry does`);
  // One series per person or conversation would grow without end, and puts personal data into the monitoring.
  const unbounded = labels.find((label) => /^(user|conversation|session|message|run|token|ip)(_?id)?$/i.test(label));
  if (unbounded !== undefined) throw new Error(`metric ${name}: label ${unbounded} has no bound`);
}
