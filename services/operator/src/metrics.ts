import { LATENCY_BUCKETS_SECONDS, startAtZero, type Metrics } from '@runnel/kit';
import { REFLECTOR_OUTCOMES, type ReflectorOutcome } from '@runnel/kube';
import type { WriteOutcome } from './act/writer.ts';
import { WATCHED, type Watched } from './observe/world.ts';
import type { ModelsLook } from './models/look.ts';

const WRITES = ['models', 'keys', 'status', 'pod', 'scale', 'deployment'] as const;

export const createOperatorMetrics = (metrics: Metrics) => {
  const leads = metrics.gauge('runnel_operator_leads', '1 in the process that leads; the others wait');
  const looks = metrics.counter('runnel_operator_looks_total', 'Looks at everything, by outcome', ['outcome']);
  startAtZero(looks, { outcome: ['done', 'failed'] });
  const seconds = metrics.histogram('runnel_operator_look_seconds', 'One look, with what it wrote', LATENCY_BUCKETS_SECONDS);
  const watches = metrics.counter('runnel_operator_watches_total', 'Lists and watches of the Kubernetes API, by outcome', [
    'kind',
    'outcome',
  ]);
  startAtZero(watches, { kind: WATCHED, outcome: REFLECTOR_OUTCOMES });
  const writes = metrics.counter('runnel_operator_writes_total', 'Writes to the Kubernetes API, by outcome', ['what', 'outcome']);
  startAtZero(writes, { what: WRITES, outcome: ['written', 'overtaken', 'refused'] satisfies WriteOutcome[] });
  const asked = metrics.counter('runnel_operator_figures_total', 'Pods asked how they are, by outcome', ['outcome']);
  startAtZero(asked, { outcome: ['told', 'failed'] });
  const models = metrics.gauge('runnel_operator_models', 'ChatModels that people should be able to pick, by whether they can', ['ready']);
  for (const ready of ['yes', 'no']) models.set({ ready }, 0);
  const scaled = metrics.counter('runnel_operator_scaled_total', 'Times that the number of pods was changed', ['component']);
  startAtZero(scaled, { component: ['gateway', 'ai'] });

  return {
    leads: (yes: boolean): void => leads.set(yes ? 1 : 0),
    looked({ ready, failing }: ModelsLook, tookSeconds: number): void {
      looks.inc({ outcome: 'done' });
      seconds.observe(tookSeconds);
      models.set({ ready: 'yes' }, ready);
      models.set({ ready: 'no' }, failing);
    },
    failed: (): void => looks.inc({ outcome: 'failed' }),
    watched: (kind: Watched, outcome: ReflectorOutcome): void => watches.inc({ kind, outcome }),
    wrote: (what: string, outcome: WriteOutcome): void => writes.inc({ what, outcome }),
    asked: (outcome: 'told' | 'failed'): void => asked.inc({ outcome }),
    scaled: (component: string, _replicas: number): void => scaled.inc({ component }),
  };
};
export type OperatorMetrics = ReturnType<typeof createOperatorMetrics>;
