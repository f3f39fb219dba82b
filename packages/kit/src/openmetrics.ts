import type { MetricObjectWithValues, MetricValueWithName } from 'prom-client';

/** One measurement, with the trace that it belongs to. */
export interface Exemplar {
  traceId: string;
  value: number;
  /** Seconds since the epoch. */
  at: number;
}

export const OPENMETRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** Whether a scraper's `Accept` has OpenMetrics in it: Prometheus asks for it first and takes the plain text as well. */
export const wantsOpenMetrics = (accept: string | undefined): boolean => accept?.includes('application/openmetrics-text') ?? false;

const escape = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');

const labelsOf = (labels: Readonly<Record<string, string | number | undefined>>): string => {
  const parts = Object.entries(labels).flatMap(([name, value]) => (value === undefined ? [] : [`${name}="${escape(String(value))}"`]));
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
};

const numberOf = (value: number): string => (value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value));

/** How an exemplar finds its line: the sample's name and labels, as they are written. */
export const sampleName = (name: string, labels: MetricValueWithName<string>['labels']): string => `${name}${labelsOf(labels)}`;

/**
 * The OpenMetrics text of what prom-client has gathered. Its own renderer renames its counters while it writes, so one registry
 * could not answer in both formats.
 */
export const renderOpenMetrics = (
  metrics: readonly MetricObjectWithValues<MetricValueWithName<string>>[],
  exemplarOf: (sample: string) => Exemplar | undefined,
): string => {
  const lines: string[] = [];
  for (const { name, help, type, values } of metrics) {
    const kind = String(type);
    const family = kind === 'counter' ? name.replace(/_total$/, '') : name;
    lines.push(`# HELP ${family} ${escape(help)}`, `# TYPE ${family} ${kind}`);
    for (const { metricName, labels, value } of values) {
      const sample = sampleName(kind === 'counter' ? `${family}_total` : (metricName ?? name), labels);
      const exemplar = exemplarOf(sample);
      const tail = exemplar === undefined ? '' : ` # {trace_id="${exemplar.traceId}"} ${numberOf(exemplar.value)} ${exemplar.at}`;
      lines.push(`${sample} ${numberOf(value)}${tail}`);
    }
  }
  return `${lines.join('\n')}\n# EOF\n`;
};
