import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { parse } from 'yaml';

const Slo = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z-]+$' }),
    alert: Type.String({ pattern: '^[A-Z][A-Za-z]+$' }),
    promise: Type.String({ pattern: '^P-\\d+$' }),
    /** Per cent of events that must be good. */
    objective: Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 100 }),
    title: Type.String(),
    description: Type.String(),
    /** Either two rates with `$window` in them … */
    events: Type.Optional(Type.Object({ bad: Type.String(), total: Type.String() }, { additionalProperties: false })),
    /** … with a series of each kind for the alert's test, */
    sample: Type.Optional(Type.Object({ bad: Type.String(), good: Type.String() }, { additionalProperties: false })),
    /** or a histogram and one of its bounds, in seconds. */
    latency: Type.Optional(Type.Object({ metric: Type.String(), below: Type.Number() }, { additionalProperties: false })),
  },
  { additionalProperties: false },
);
export type Slo = Static<typeof Slo>;

export const readSlos = (): Slo[] => {
  const path = join(import.meta.dirname, '../slo.yaml');
  const { slos } = Value.Parse(Type.Object({ slos: Type.Array(Slo) }), parse(readFileSync(path, 'utf8')));
  for (const slo of slos) {
    const isEvents = slo.events !== undefined && slo.sample !== undefined;
    if (isEvents === (slo.latency !== undefined)) throw new Error(`${slo.name}: say either events with a sample or a latency`);
  }
  return slos;
};

/** Part of the events that may be bad. */
export const budgetOf = ({ objective }: Slo): number => Math.round((100 - objective) * 1e6) / 1e8;

/** The part of the events that was bad in a window, as a query. */
export const errorRatio = ({ events, latency }: Slo, window: string): string => {
  if (latency !== undefined) {
    const good = `sum(rate(${latency.metric}_bucket{le="${latency.below}"}[${window}]))`;
    return `1 - ${good} / sum(rate(${latency.metric}_count[${window}]))`;
  }
  // No bad series yet means none was bad; no series at all means no answer, and no alert.
  const { bad, total } = events!;
  return `(${bad} or ${total} * 0) / ${total}`.replaceAll('$window', window);
};

const SECONDS = { m: 60, h: 3600, d: 86_400 };
const secondsOf = (window: string): number => Number(window.slice(0, -1)) * SECONDS[window.at(-1) as keyof typeof SECONDS];

/** How many events were bad in a window, as a query; empty where none ever was. Rounded: an increase is an estimate. */
export const badEvents = ({ events, latency }: Slo, window: string): string => {
  const rate =
    latency === undefined
      ? events!.bad.replaceAll('$window', window)
      : `(sum(rate(${latency.metric}_count[${window}])) - sum(rate(${latency.metric}_bucket{le="${latency.below}"}[${window}])))`;
  return `round(${rate} * ${secondsOf(window)})`;
};

/** How many events there were in a window, as a query; rounded likewise. */
export const allEvents = ({ events, latency }: Slo, window: string): string => {
  const rate = latency === undefined ? events!.total.replaceAll('$window', window) : `sum(rate(${latency.metric}_count[${window}]))`;
  return `round(${rate} * ${secondsOf(window)})`;
};
