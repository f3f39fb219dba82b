import { ACCESS_CAUSES } from './access-alerts.ts';
import type { CauseAlert, Samples } from './lib/cause-alert.ts';
import { CAPACITY_CAUSES } from './capacity-alerts.ts';
import { HEALTH_CAUSES } from './health-alerts.ts';
import { OPERATOR_CAUSES } from './operator-alerts.ts';
import { ENDPOINT_RESTS, MODEL_REPLACED, MODELS_FILE_WRONG, RUNS_UNANSWERABLE, TOOL_SERVER_AWAY } from './model-alerts.ts';

const quantile = (q: number, metric: string, by: string, window = '5m'): string =>
  `histogram_quantile(${q}, sum by (le, ${by}) (rate(${metric}_bucket[${window}])))`;
/** A share of few events says little: one of ten is 10 %. */
const atLeast = (count: number, events: string): string => `round(${events}) >= ${count}`;
const ratio = (bad: string, all: string): string => `${bad} / ${all}`;

/** A histogram in which all of `count` events a minute are within `bound`. */
const within = (metric: string, labels: string, bounds: readonly string[], bound: string, count: number): Samples =>
  Object.fromEntries(
    [...bounds, '+Inf'].map((le, i, all) => [`${metric}_bucket{${labels},le="${le}"}`, i >= all.indexOf(bound) ? count : 0]),
  );

const store = (bound: string): Samples =>
  within('runnel_store_command_seconds', 'service="ai",command="append-chunk",outcome="appended"', ['0.01', '0.05', '0.12'], bound, 600);
const firstToken = (bound: string): Samples =>
  within(
    'gen_ai_client_operation_time_to_first_chunk_seconds',
    'service="ai",gen_ai_request_model="demo"',
    ['1', '5', '10', '30'],
    bound,
    60,
  );
const lag = (seconds: number): Samples => ({
  'runnel_nodejs_eventloop_lag_p99_seconds{service="gateway",instance="a:9080"}': `=${seconds}`,
});
const dispatched = (queued: number): Samples => ({
  'runnel_gateway_dispatches_total{service="gateway",outcome="accepted"}': 60,
  'runnel_gateway_dispatches_total{service="gateway",outcome="queued"}': queued,
});
const commands = (failing: number): Samples => ({
  'runnel_store_command_seconds_count{service="gateway",command="read-state",outcome="snapshot"}': 600,
  'runnel_store_command_seconds_count{service="gateway",command="read-state",outcome="unavailable"}': failing,
});
const ends = (failed: number): Samples => ({
  'runnel_ai_run_end_total{service="ai",model="demo",reason="complete"}': 60,
  'runnel_ai_run_end_total{service="ai",model="demo",reason="failed"}': failed,
});

/** Every process of ours tells this from its first moment to its last. */
const ALIVE = 'runnel_process_start_time_seconds';
const alive = (...services: string[]): Samples =>
  Object.fromEntries(services.map((service) => [`${ALIVE}{service="${service}",instance="${service}-1:9080"}`, '=1000' as const]));
const pods = (count: number): Samples => ({ 'runnel_gateway_ai_pods{service="gateway",instance="a:9080"}': `=${count}` });

/** A Redis with a limit, which one pod asks, and beside it one that has none and may hold what it likes. */
const held = (bytes: number): Samples => ({
  'runnel_store_memory_bytes{service="ai",instance="a:9081"}': `=${bytes}`,
  'runnel_store_memory_limit_bytes{service="ai",instance="a:9081"}': '=1000',
  'runnel_store_memory_bytes{service="ai",instance="b:9081"}': '=9000',
  'runnel_store_memory_limit_bytes{service="ai",instance="b:9081"}': '=0',
});

const half = (count: number): Samples => ({
  'runnel_ai_waiting_runs{service="ai",instance="a:9081",kind="half"}': `=${count}`,
  'runnel_ai_waiting_runs{service="ai",instance="a:9081",kind="fresh"}': '=9',
});
export const CAUSES: readonly CauseAlert[] = [
  ...ACCESS_CAUSES,
  ...OPERATOR_CAUSES,
  ...CAPACITY_CAUSES,
  ...HEALTH_CAUSES,
  {
    alert: 'StoreSlow',
    severity: 'page',
    expr: `${quantile(0.99, 'runnel_store_command_seconds', 'service')} > 0.05`,
    for: '3m',
    summary: 'Redis answers slowly',
    description: 'The 99th percentile of commands to Redis is above 50 ms: every chunk waits for it.',
    fires: store('0.12'),
    silent: store('0.05'),
    labels: { service: 'ai' },
  },
  {
    alert: 'StoreFailing',
    severity: 'page',
    expr: `${ratio('sum by (service) (rate(runnel_store_command_seconds_count{outcome="unavailable"}[5m]))', 'sum by (service) (rate(runnel_store_command_seconds_count[5m]))')} > 0.01 and ${atLeast(3, 'sum by (service) (increase(runnel_store_command_seconds_count{outcome="unavailable"}[5m]))')}`,
    for: '1m',
    summary: 'Redis does not answer',
    description: 'More than 1 % of the commands to Redis end without an answer. Answers wait in the AI pods meanwhile (P-10).',
    fires: commands(60),
    silent: commands(3),
    labels: { service: 'gateway' },
  },
  {
    alert: 'StoreNearlyFull',
    severity: 'page',
    expr: 'max(runnel_store_memory_bytes / (runnel_store_memory_limit_bytes > 0)) > 0.85',
    for: '5m',
    summary: 'Redis is nearly full',
    description:
      'Redis holds more than 85 % of its maxmemory. At 100 % it refuses new prompts, and running answers stand still until there is room.',
    fires: held(870),
    silent: held(850),
  },
  {
    alert: 'StoreEvicts',
    severity: 'page',
    expr: 'max(runnel_store_evicts) > 0',
    for: '1m',
    summary: 'Redis may throw conversations away',
    description: 'The maxmemory-policy of Redis is not noeviction: once it is full, conversations lose messages without an error.',
    fires: { 'runnel_store_evicts{service="ai",instance="a:9081"}': '=1' },
    silent: { 'runnel_store_evicts{service="ai",instance="a:9081"}': '=0' },
  },
  {
    alert: 'RunsTakenOver',
    severity: 'ticket',
    expr: 'sum(increase(runnel_ai_takeovers_total[10m])) > 3',
    for: '1m',
    summary: 'Answers move between AI pods',
    description: 'Runs were claimed after another owner: an AI pod died, hangs, or is being replaced. Readers saw a pause of seconds.',
    fires: { 'runnel_ai_takeovers_total{service="ai"}': 2 },
    silent: { 'runnel_ai_takeovers_total{service="ai"}': 0.1 },
  },
  {
    alert: 'RunsQueued',
    severity: 'page',
    expr: `${ratio('sum(rate(runnel_gateway_dispatches_total{outcome="queued"}[5m]))', 'sum(rate(runnel_gateway_dispatches_total{outcome=~"accepted|taken|queued"}[5m]))')} > 0.05 and ${atLeast(3, 'sum(increase(runnel_gateway_dispatches_total{outcome="queued"}[5m]))')}`,
    for: '3m',
    summary: 'No AI pod takes new answers',
    description:
      'More than 5 % of the prompts, and three at least, found no AI pod at once: all are full, draining, or gone. They wait for a sweep.',
    fires: dispatched(20),
    silent: dispatched(1),
  },
  {
    alert: 'HalfAnswersWait',
    severity: 'page',
    expr: 'max(runnel_ai_waiting_runs{kind="half"}) > 0',
    for: '2m',
    summary: 'Half answers find no AI pod that goes on with them',
    description:
      'Answers whose pod has died have waited two minutes for a place: people look at a text that stands still. The next places are theirs.',
    fires: half(1),
    silent: half(0),
  },
  RUNS_UNANSWERABLE,
  ENDPOINT_RESTS,
  MODELS_FILE_WRONG,
  TOOL_SERVER_AWAY,
  MODEL_REPLACED,
  {
    alert: 'ModelSlow',
    severity: 'ticket',
    expr: `${quantile(0.95, 'gen_ai_client_operation_time_to_first_chunk_seconds', 'gen_ai_request_model', '10m')} > 10`,
    for: '5m',
    summary: 'A model provider is slow',
    description: "The model's own first word takes more than 10 s for one answer in twenty. Runnel adds nothing to it.",
    fires: firstToken('30'),
    silent: firstToken('10'),
    labels: { gen_ai_request_model: 'demo' },
  },
  {
    alert: 'ModelFailing',
    severity: 'page',
    expr: `${ratio('sum by (model) (rate(runnel_ai_run_end_total{reason="failed"}[10m]))', 'sum by (model) (rate(runnel_ai_run_end_total{reason=~"failed|complete"}[10m]))')} > 0.05 and ${atLeast(3, 'sum by (model) (increase(runnel_ai_run_end_total{reason="failed"}[10m]))')}`,
    for: '3m',
    summary: 'A model provider fails',
    description: 'More than 5 % of the answers of a model, and three at least, end with an error of its provider.',
    fires: ends(10),
    silent: ends(1),
    labels: { model: 'demo' },
  },
  {
    alert: 'EventLoopBlocked',
    severity: 'ticket',
    expr: 'max by (service, instance) (runnel_nodejs_eventloop_lag_p99_seconds) > 0.1',
    for: '5m',
    summary: 'A process is too busy to stream',
    description:
      'The event loop is late by more than 100 ms: the process lacks CPU, or something blocks it. Everything it streams is late too.',
    fires: lag(0.3),
    silent: lag(0.05),
    labels: { service: 'gateway', instance: 'a:9080' },
  },
  {
    alert: 'ReadersTooSlow',
    severity: 'ticket',
    expr: 'sum(rate(runnel_gateway_closes_total{code="4002"}[10m])) * 60 > 5',
    for: '5m',
    summary: 'Sockets are closed because their readers are slow',
    description: 'More than five sockets a minute had 1 MiB unsent (W-14): a network between us and many people is bad, or clients hang.',
    fires: { 'runnel_gateway_closes_total{service="gateway",code="4002"}': 10 },
    silent: { 'runnel_gateway_closes_total{service="gateway",code="4002"}': 1 },
  },
  {
    alert: 'AuditBehind',
    severity: 'ticket',
    expr: 'max(runnel_outbox_backlog) > 5000',
    for: '5m',
    summary: 'Audit events wait in the outbox',
    description: 'Kafka or the database takes too little. Nothing is lost; at the cap of a shard new prompts are refused (overloaded).',
    fires: { 'runnel_outbox_backlog{service="audit"}': '=9000' },
    silent: { 'runnel_outbox_backlog{service="audit"}': '=900' },
  },
  {
    alert: 'AuditStuck',
    severity: 'ticket',
    expr: [
      '(max(runnel_outbox_backlog) > 0 unless sum(rate(runnel_outbox_relayed_total[5m])) > 0)',
      'max by (group) (runnel_kafka_lag) > 0 unless on (group) sum by (group) (rate(runnel_audit_events_total[5m])) > 0',
    ].join(' or '),
    for: '5m',
    summary: 'Audit events wait and none moves',
    description:
      'Events wait in the outbox or in Kafka, and for ten minutes none was taken: Kafka or the database is down. Nothing is lost, but new events cannot be seen.',
    fires: { 'runnel_outbox_backlog{service="audit"}': '=3', 'runnel_outbox_relayed_total{service="audit"}': '=700' },
    silent: {
      'runnel_outbox_backlog{service="audit"}': '=3',
      'runnel_outbox_relayed_total{service="audit"}': 1,
      'runnel_kafka_lag{service="audit",group="audit-trail"}': '=3',
      'runnel_audit_events_total{service="audit",group="audit-trail"}': 1,
    },
  },
  {
    alert: 'DeadLetters',
    severity: 'ticket',
    expr: 'sum(increase(runnel_dead_letters_total[1h])) > 0',
    for: '0m',
    summary: 'Audit events were put aside',
    description:
      'Events that could not be read or stored are in the dead-letter topic: each is a hole in the audit trail until it is replayed.',
    fires: { 'runnel_dead_letters_total{service="audit"}': 1 },
    silent: { 'runnel_dead_letters_total{service="audit"}': 0 },
  },
  {
    alert: 'ServiceGone',
    severity: 'page',
    // A gateway and an AI pod belong to every installation; the audit is missed where it was there within the last day.
    expr: [
      `absent(${ALIVE}{service="gateway"})`,
      `absent(${ALIVE}{service="ai"})`,
      `(count by (service) (count_over_time(${ALIVE}{service="audit"}[1d])) unless count by (service) (${ALIVE}{service="audit"}))`,
    ].join(' or '),
    for: '2m',
    summary: 'No process of a service can be seen',
    description:
      'Prometheus sees no process of this service at all: all are down, or none is looked for any more. Without a gateway nobody is served, without an AI pod no prompt is answered, without the audit prompts are refused once the outbox is full.',
    fires: alive('gateway', 'audit'),
    silent: alive('gateway', 'ai'),
    labels: { service: 'ai' },
  },
  {
    alert: 'NoAiPods',
    severity: 'page',
    expr: 'max(runnel_gateway_ai_pods) == 0',
    for: '2m',
    summary: 'No gateway knows an AI pod',
    description: 'AI pods may run, but the gateways find none that takes new answers: prompts wait for a sweep, or for ever.',
    fires: pods(0),
    silent: pods(1),
  },
  {
    alert: 'CheckpointLate',
    severity: 'ticket',
    expr: 'max(runnel_checkpoint_age_seconds) > 7200',
    for: '5m',
    summary: 'The trail has no signed checkpoint for two hours',
    description: 'Checkpoints are made hourly. What is rewritten meanwhile by somebody who may write everywhere is not found by them.',
    fires: { 'runnel_checkpoint_age_seconds{service="audit"}': '=7300' },
    silent: { 'runnel_checkpoint_age_seconds{service="audit"}': '=7200' },
  },
  {
    alert: 'RetentionLate',
    severity: 'ticket',
    expr: 'min(runnel_audit_retention_age_seconds > 0) > 86400',
    for: '15m',
    summary: 'What is past its time has not been removed for a day',
    description:
      'No audit pod got to the end of what MESSAGE_RETENTION, RUN_RETENTION or AUDIT_RETENTION say: texts are kept longer than you promised.',
    fires: { 'runnel_audit_retention_age_seconds{service="audit"}': '=90000' },
    silent: { 'runnel_audit_retention_age_seconds{service="audit"}': '=86400' },
  },
  {
    alert: 'PodDown',
    severity: 'ticket',
    expr: 'up{job=~".*runnel.*"} == 0',
    for: '3m',
    summary: 'A Runnel process cannot be asked for its metrics',
    description: 'The process is gone or its internal port does not answer; the others carry its work.',
    fires: { 'up{job="runnel",instance="a:9081"}': '=0' },
    silent: { 'up{job="runnel",instance="a:9081"}': '=1' },
    labels: { job: 'runnel', instance: 'a:9081' },
  },
];
