import type { CauseAlert, Samples } from './lib/cause-alert.ts';
import { budgetOf, readSlos } from './lib/slo.ts';

const counted = (metric: string, labels: string, steps: Readonly<Record<string, number>>): Samples =>
  Object.fromEntries(Object.entries(steps).map(([word, step]) => [`${metric}{${labels},${word}}`, step]));
const handshakes = (full: number): Samples =>
  counted('runnel_gateway_handshakes_total', 'service="gateway"', { 'outcome="accepted"': 60, 'outcome="full"': full });
const identities = (steps: Readonly<Record<string, number>>): Samples =>
  counted('runnel_gateway_identity_checks_total', 'service="gateway"', steps);
const http = (failing: number): Samples =>
  counted('runnel_http_requests_total', 'service="gateway",route="/api/models",method="GET"', { 'code="200"': 60, 'code="503"': failing });
const looks = (failed: number): Samples => counted('runnel_gateway_discoveries_total', 'service="gateway"', { 'outcome="failed"': failed });
const traces = ({ lost, sent }: { lost: number; sent: number }): Samples =>
  counted('runnel_trace_batches_total', 'service="ai"', { 'outcome="lost"': lost, 'outcome="sent"': sent });
const AT = 'service="gateway",instance="a:9080"';
const gauge = (metric: string, labels: string, value: number): Samples => ({ [`${metric}{${labels}}`]: `=${value}` });

const BAD_HANDSHAKE = 'outcome=~"full|overloaded|unavailable|internal"';
/** Hours of a month: more points than that say no more. */
const MONTH = '[30d:1h]';
const LEAST_BAD_OF_A_MONTH = 10;
const ofMonth = (record: string, slo: string): string => `sum_over_time(${record}{slo="${slo}"}${MONTH})`;
const spent = readSlos().map((slo) => {
  const [bad, all] = [ofMonth('slo:bad_events:increase1h', slo.name), ofMonth('slo:events:increase1h', slo.name)];
  return `(${bad} / ${all} > ${budgetOf(slo)} and ${bad} >= ${LEAST_BAD_OF_A_MONTH})`;
});
const month = (bad: number): Samples => ({
  'slo:bad_events:increase1h{slo="commands"}': `=${bad}`,
  'slo:events:increase1h{slo="commands"}': '=100000',
});

/** Of the ways in, of processes, and of what runs beside them. */
export const HEALTH_CAUSES: readonly CauseAlert[] = [
  {
    alert: 'HandshakesFailing',
    severity: 'page',
    expr: `sum(rate(runnel_gateway_handshakes_total{${BAD_HANDSHAKE}}[5m])) / sum(rate(runnel_gateway_handshakes_total[5m])) > 0.05 and round(sum(increase(runnel_gateway_handshakes_total{${BAD_HANDSHAKE}}[5m]))) >= 5`,
    for: '3m',
    summary: 'People cannot connect',
    description: 'More than 5 % of the WebSockets, and five at least, were refused because of us: full, draining, or a store that is away.',
    fires: handshakes(10),
    silent: handshakes(2),
  },
  {
    alert: 'DoorRefuses',
    severity: 'page',
    expr: 'sum(rate(runnel_gateway_identity_checks_total{outcome="unauthorized"}[10m])) / sum(rate(runnel_gateway_identity_checks_total{outcome!="nobody"}[10m])) > 0.5 and round(sum(increase(runnel_gateway_identity_checks_total{outcome="unauthorized"}[10m]))) >= 50',
    for: '5m',
    summary: 'More callers are refused than are known',
    description:
      'Most tokens are not valid here: a key was changed on one side only, the issuer or audience is another, or somebody tries.',
    fires: identities({ 'outcome="ok"': 10, 'outcome="unauthorized"': 20 }),
    silent: identities({ 'outcome="ok"': 20, 'outcome="unauthorized"': 19, 'outcome="nobody"': 500 }),
  },
  {
    alert: 'KeysUnreachable',
    severity: 'page',
    expr: 'round(sum(increase(runnel_gateway_identity_checks_total{outcome="unavailable"}[5m]))) >= 5',
    for: '3m',
    summary: 'Callers cannot be checked',
    description: 'The keys that check tokens (JWKS_URL, or those of the identity provider), or the store of sessions, cannot be had.',
    fires: identities({ 'outcome="unavailable"': 2 }),
    silent: identities({ 'outcome="unavailable"': 0.5 }),
  },
  {
    alert: 'HttpFailing',
    severity: 'page',
    expr: 'sum by (service) (rate(runnel_http_requests_total{code=~"5.."}[5m])) / sum by (service) (rate(runnel_http_requests_total[5m])) > 0.05 and round(sum by (service) (increase(runnel_http_requests_total{code=~"5.."}[5m]))) >= 5',
    for: '3m',
    summary: 'HTTP requests fail',
    description: 'More than 5 % of the HTTP requests, and five at least, end with a 5xx: history, search, uploads or the API do not work.',
    fires: http(10),
    silent: http(2),
    labels: { service: 'gateway' },
  },
  {
    alert: 'ProcessRestarts',
    severity: 'ticket',
    expr: 'max by (service, instance) (changes(runnel_process_start_time_seconds[30m])) >= 3',
    for: '0m',
    summary: 'A process starts again and again',
    description: 'It was started three times within half an hour: it crashes, is killed for its memory, or fails its liveness probe.',
    fires: { [`runnel_process_start_time_seconds{${AT}}`]: 60 },
    silent: gauge('runnel_process_start_time_seconds', AT, 1000),
    labels: { service: 'gateway', instance: 'a:9080' },
  },
  {
    alert: 'NotReady',
    severity: 'ticket',
    expr: 'max by (service, instance) (runnel_ready) == 0',
    for: '15m',
    summary: 'A process does not become ready',
    description: 'It runs and takes no part: a start or a drain that does not end. In a rollout, the old pods carry on meanwhile.',
    fires: gauge('runnel_ready', AT, 0),
    silent: gauge('runnel_ready', AT, 1),
    labels: { service: 'gateway', instance: 'a:9080' },
  },
  {
    alert: 'BreakersOpen',
    severity: 'ticket',
    expr: 'max by (instance) (runnel_gateway_open_breakers) > 0',
    for: '10m',
    summary: 'A gateway leaves an AI pod alone',
    description: 'An AI pod that this gateway knows does not take its offers, again and again: the others carry its work.',
    fires: gauge('runnel_gateway_open_breakers', AT, 1),
    silent: gauge('runnel_gateway_open_breakers', AT, 0),
    labels: { instance: 'a:9080' },
  },
  {
    alert: 'DiscoveryFailing',
    severity: 'ticket',
    expr: 'round(sum(increase(runnel_gateway_discoveries_total{outcome="failed"}[10m]))) >= 5',
    for: '10m',
    summary: 'AI pods cannot be looked for',
    description: 'The Kubernetes API or DNS does not answer the gateways: they go on with the AI pods they know, and learn of no new ones.',
    fires: looks(2),
    silent: looks(0.3),
  },
  {
    alert: 'AuditFallsBehind',
    severity: 'ticket',
    expr: 'max by (group) (runnel_kafka_lag) > 1000 and max by (group) (deriv(runnel_kafka_lag[20m])) > 0',
    for: '15m',
    summary: 'A group reads Kafka slower than it is written',
    description: 'Its lag is above 1,000 records and has grown for 15 minutes: the database takes too little, or too few audit pods run.',
    fires: { 'runnel_kafka_lag{service="audit",group="audit-trail"}': 100 },
    silent: gauge('runnel_kafka_lag', 'service="audit",group="audit-trail"', 9000),
    labels: { group: 'audit-trail' },
  },
  {
    alert: 'ClockSkew',
    severity: 'ticket',
    expr: 'max by (service, instance) (abs(runnel_clock_offset_seconds)) > 0.05',
    for: '10m',
    summary: "A machine's clock is off",
    description: "A clock differs from Redis's by more than 50 ms: FirstWordLate and ChunksLate compare clocks and are wrong by as much.",
    fires: gauge('runnel_clock_offset_seconds', AT, -0.2),
    silent: gauge('runnel_clock_offset_seconds', AT, -0.02),
    labels: { service: 'gateway', instance: 'a:9080' },
  },
  {
    alert: 'TracesLost',
    severity: 'ticket',
    expr: 'round(sum(increase(runnel_trace_batches_total{outcome="lost"}[30m]))) >= 5 unless sum(rate(runnel_trace_batches_total{outcome="sent"}[30m])) > 0',
    for: '5m',
    summary: 'The collector takes no traces',
    description:
      'Nothing of half an hour could be given to the OpenTelemetry collector. Answers do not wait for it; their traces are lost.',
    fires: traces({ lost: 1, sent: 0 }),
    silent: traces({ lost: 1, sent: 1 }),
  },
  {
    alert: 'JobFailed',
    severity: 'ticket',
    expr: 'max by (job_name) (kube_job_status_failed{job_name=~".*runnel.*"}) > 0',
    for: '1m',
    summary: 'A job of Runnel failed',
    description: 'A migration, or a job that runs by the clock, ended with an error (kube-state-metrics).',
    fires: gauge('kube_job_status_failed', 'job_name="chat-runnel-migrate"', 1),
    silent: gauge('kube_job_status_failed', 'job_name="chat-runnel-migrate"', 0),
    labels: { job_name: 'chat-runnel-migrate' },
  },
  {
    alert: 'BudgetSpent',
    severity: 'ticket',
    expr: spent.join(' or '),
    rarely: true,
    for: '30m',
    summary: "A month's error budget is used up",
    description: 'Over 30 days more of the events were bad than the objective allows: what is shipped next makes it safer, not larger.',
    fires: month(300),
    silent: month(90),
    labels: { slo: 'commands' },
  },
];
