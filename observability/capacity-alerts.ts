import type { CauseAlert, Samples } from './lib/cause-alert.ts';

const of = (service: string, pairs: Readonly<Record<string, number>>): Samples =>
  Object.fromEntries(
    Object.entries(pairs).map(([name, value]) => [`${name}{service="${service}",instance="a:9080"}`, `=${value}` as const]),
  );
const sockets = (open: number): Samples => of('gateway', { runnel_gateway_sockets: open, runnel_gateway_sockets_limit: 1000 });
const runs = (live: number): Samples => of('ai', { runnel_ai_runs: live, runnel_ai_runs_limit: 1000 });
/** One process is bounded, the one beside it is not. */
const memory = (used: number): Samples => ({
  ...of('gateway', { runnel_process_resident_memory_bytes: used, runnel_process_memory_limit_bytes: 1000 }),
  ...of('ai', { runnel_process_resident_memory_bytes: 9000, runnel_process_memory_limit_bytes: 0 }),
});
const storeLimit = (bytes: number): Samples => of('ai', { runnel_store_memory_limit_bytes: bytes });
const HPA = 'horizontalpodautoscaler="chat-runnel-ai"';
const scaler = (replicas: number): Samples => ({
  [`kube_horizontalpodautoscaler_status_current_replicas{${HPA}}`]: `=${replicas}`,
  [`kube_horizontalpodautoscaler_spec_max_replicas{${HPA}}`]: '=10',
  [`kube_horizontalpodautoscaler_status_condition{${HPA},condition="ScalingActive",status="false"}`]: '=0',
});
const HPAS = '{horizontalpodautoscaler=~".*runnel.*"}';

/** What is nearly used up, while nobody feels it yet. */
export const CAPACITY_CAUSES: readonly CauseAlert[] = [
  {
    alert: 'SocketsNearlyFull',
    severity: 'page',
    expr: 'sum(runnel_gateway_sockets) / sum(runnel_gateway_sockets_limit) > 0.85',
    for: '5m',
    summary: 'The gateways are nearly full',
    description: 'All gateways together hold more than 85 % of MAX_SOCKETS. Beyond it people are sent away (1013) and try again.',
    fires: sockets(900),
    silent: sockets(850),
  },
  {
    alert: 'RunsNearlyFull',
    severity: 'ticket',
    expr: 'sum(runnel_ai_runs) / sum(runnel_ai_runs_limit) > 0.85',
    for: '5m',
    summary: 'The AI pods are nearly full',
    description: 'All AI pods together write more than 85 % of MAX_RUNS. Beyond it prompts wait for a place.',
    fires: runs(900),
    silent: runs(850),
  },
  {
    alert: 'MemoryNearlyFull',
    severity: 'ticket',
    expr: 'max by (service, instance) (runnel_process_resident_memory_bytes / (runnel_process_memory_limit_bytes > 0)) > 0.9',
    for: '5m',
    summary: 'A process is near its memory limit',
    description: 'A process has more than 90 % of what its container may hold. At 100 % the kernel kills it; its people and runs move.',
    fires: memory(910),
    silent: memory(900),
    labels: { service: 'gateway', instance: 'a:9080' },
  },
  {
    alert: 'StoreUnlimited',
    severity: 'ticket',
    expr: 'min(runnel_store_memory_limit_bytes) == 0',
    for: '30m',
    summary: 'Redis has no memory limit',
    description:
      'The maxmemory of Redis is 0: it ends by the kernel killing it, with every running answer at once, instead of refusing new prompts; and StoreNearlyFull cannot fire.',
    fires: storeLimit(0),
    silent: storeLimit(1000),
  },
  {
    alert: 'ScalerStuck',
    severity: 'ticket',
    expr: [
      `max by (horizontalpodautoscaler) (kube_horizontalpodautoscaler_status_current_replicas${HPAS}) >= max by (horizontalpodautoscaler) (kube_horizontalpodautoscaler_spec_max_replicas${HPAS})`,
      `max by (horizontalpodautoscaler) (kube_horizontalpodautoscaler_status_condition{horizontalpodautoscaler=~".*runnel.*",condition="ScalingActive",status="false"}) == 1`,
    ].join(' or '),
    for: '15m',
    summary: 'An autoscaler cannot add pods',
    description: 'It stands at its maxReplicas, or cannot read the figures it scales by. The next load meets the pods that are there.',
    fires: scaler(10),
    silent: scaler(9),
    labels: { horizontalpodautoscaler: 'chat-runnel-ai' },
  },
];
