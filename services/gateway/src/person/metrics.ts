import { RECORD_KINDS, type RecordKind } from '@runnel/coordination';
import type { Metrics } from '@runnel/kit';
import { RECORD_OUTCOMES, type RecordOutcome } from './records.ts';

/** How it goes with what people set for themselves. */
export const recordMetrics = (metrics: Metrics): ((kind: RecordKind, outcome: RecordOutcome) => void) => {
  const counter = metrics.counter('runnel_gateway_records_total', 'What people set for themselves, read or changed, by kind and outcome', [
    'kind',
    'outcome',
  ]);
  for (const kind of RECORD_KINDS) for (const outcome of RECORD_OUTCOMES) counter.inc({ kind, outcome }, 0);
  return (kind, outcome) => counter.inc({ kind, outcome });
};
