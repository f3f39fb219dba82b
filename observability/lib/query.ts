import type { Target } from './grafana.ts';

const RANGE = '[$__rate_interval]';
const by = (labels: string): string => (labels === '' ? '' : ` by (${labels})`);
const legendOf = (labels: string, name: string): string =>
  labels === ''
    ? name
    : labels
        .split(', ')
        .map((l) => `{{${l}}}`)
        .join(' ');

/** Events a second of a counter, one line per value of the labels (`'a, b'`). */
export const perSecond = (metric: string, labels = '', name = 'all'): Target => ({
  expr: `sum${by(labels)} (rate(${metric}${RANGE}))`,
  legend: legendOf(labels, name),
});

export const sumOf = (gauge: string, labels = '', name = 'all'): Target => ({
  expr: `sum${by(labels)} (${gauge})`,
  legend: legendOf(labels, name),
});

export const maxOf = (gauge: string, labels = 'instance'): Target => ({
  expr: `max${by(labels)} (${gauge})`,
  legend: legendOf(labels, 'max'),
});

/** A quantile of a histogram; `selector` narrows it: `{model="demo"}`. */
export const quantile = (q: number, metric: string, labels = '', selector = ''): Target => ({
  expr: `histogram_quantile(${q}, sum by (${['le', labels].filter(Boolean).join(', ')}) (rate(${metric}_bucket${selector}${RANGE})))`,
  legend: `p${q * 100} ${legendOf(labels, '')}`.trim(),
});

/** Median and 99th percentile: what is usual and what somebody in a hundred feels. */
export const spread = (metric: string, name = ''): Target[] =>
  [0.5, 0.99].map((q) => ({ ...quantile(q, metric), legend: `p${q * 100} ${name}`.trim() }));

export const ratio = (part: string, whole: string, name: string): Target => ({
  expr: `sum(rate(${part}${RANGE})) / sum(rate(${whole}${RANGE}))`,
  legend: name,
});
