/**
 * Whole situations, against every alert that is named: what must be told in them, and what must not wake anybody. Each was once
 * silent, or once woke somebody for nothing.
 */
export interface Situation {
  name: string;
  /** Series → values in promtool's notation, one a minute. */
  series: Readonly<Record<string, string>>;
  atMinute: number;
  fires?: readonly { alert: string; severities?: readonly ('page' | 'ticket')[]; labels?: Readonly<Record<string, string>> }[];
  silent?: readonly string[];
}

const START = 'runnel_process_start_time_seconds';
const gone = (minutes: number): string => `1000x${minutes} stale`;
const commands = (outcome: string): string => `runnel_gateway_commands_total{service="gateway",command="prompt",outcome="${outcome}"}`;
const ends = (reason: string): string => `runnel_ai_run_end_total{service="ai",model="demo",reason="${reason}"}`;
const BOTH = ['page', 'ticket'] as const;
/** The series in a namespace. */
const at = (namespace: string, series: string): string => series.replace('{', `{namespace="${namespace}",`);
const refused = (outcome: string): Situation => ({
  name: `every prompt is refused ${outcome} for an hour`,
  series: { [commands('ok')]: '100x80', [commands(outcome)]: '0+600x80' },
  atMinute: 70,
  fires: [{ alert: 'CommandsFailing', severities: BOTH }],
});

export const SITUATIONS: readonly Situation[] = [
  {
    name: 'every target vanishes after an hour of traffic',
    series: {
      [`${START}{service="gateway",instance="a:9080"}`]: gone(60),
      [`${START}{service="ai",instance="b:9081"}`]: gone(60),
      [`${START}{service="audit",instance="c:9082"}`]: gone(60),
      [commands('ok')]: '0+600x60 stale',
    },
    atMinute: 70,
    fires: ['gateway', 'ai', 'audit'].map((service) => ({ alert: 'ServiceGone', labels: { service } })),
  },
  {
    name: 'nothing of Runnel was ever there',
    series: { 'up{job="another"}': '1x20' },
    atMinute: 10,
    fires: ['gateway', 'ai'].map((service) => ({ alert: 'ServiceGone', labels: { service } })),
  },
  {
    name: 'both gateways are dead, the others live',
    series: {
      [`${START}{service="gateway",instance="a:9080"}`]: gone(20),
      [`${START}{service="gateway",instance="b:9080"}`]: gone(20),
      [`${START}{service="ai",instance="c:9081"}`]: '1000x60',
      'up{job="runnel-gateway",instance="a:9080"}': '1x20 0x40',
      'up{job="runnel-gateway",instance="b:9080"}': '1x20 0x40',
    },
    atMinute: 40,
    fires: [
      { alert: 'ServiceGone', labels: { service: 'gateway' } },
      { alert: 'PodDown', labels: { job: 'runnel-gateway', instance: 'a:9080' } },
      { alert: 'PodDown', labels: { job: 'runnel-gateway', instance: 'b:9080' } },
    ],
  },
  {
    name: 'staging fails and loses its AI pods, production beside it is well',
    series: {
      [at('staging', commands('internal'))]: '0+600x80',
      [at('staging', commands('ok'))]: '0+60x80',
      [at('production', commands('ok'))]: '0+6000x80',
      [at('staging', 'runnel_gateway_ai_pods{service="gateway"}')]: '0x80',
      [at('production', 'runnel_gateway_ai_pods{service="gateway"}')]: '3x80',
    },
    atMinute: 70,
    fires: [
      { alert: 'CommandsFailing', severities: BOTH, labels: { namespace: 'staging' } },
      { alert: 'NoAiPods', labels: { namespace: 'staging' } },
    ],
  },
  {
    name: 'staging fails a little, production is large: its answers do not water that down',
    series: {
      [at('staging', ends('failed'))]: '0+6x80',
      [at('staging', ends('complete'))]: '0+60x80',
      [at('production', ends('complete'))]: '0+600000x80',
    },
    atMinute: 70,
    fires: [{ alert: 'AnswersIncomplete', severities: BOTH, labels: { namespace: 'staging' } }],
  },
  {
    name: 'one gateway of two is dead',
    series: {
      [`${START}{service="gateway",instance="a:9080"}`]: gone(20),
      [`${START}{service="gateway",instance="b:9080"}`]: '1000x60',
      [`${START}{service="ai",instance="c:9081"}`]: '1000x60',
    },
    atMinute: 40,
    silent: ['ServiceGone'],
  },
  refused('internal'),
  refused('overloaded'),
  refused('unavailable'),
  {
    name: 'people are told that a conversation is busy, or that their budget is used up',
    series: { [commands('ok')]: '0+60x80', [commands('busy')]: '0+600x80', [commands('rate-limited')]: '0+600x80' },
    atMinute: 70,
    silent: ['CommandsFailing'],
  },
  {
    name: 'no audit pod runs and the outbox is full',
    series: {
      [`${START}{service="gateway",instance="a:9080"}`]: '1000x90',
      [`${START}{service="ai",instance="b:9081"}`]: '1000x90',
      [`${START}{service="audit",instance="c:9082"}`]: gone(10),
      'runnel_outbox_backlog{service="audit",instance="c:9082"}': '3x10 stale',
      'runnel_outbox_relayed_total{service="audit",instance="c:9082"}': '0+60x10 stale',
      'runnel_outbox_backlog{service="ai",instance="b:9081"}': '0+200x90',
      [commands('ok')]: '0+60x60 3600x30',
      [commands('overloaded')]: '0x60 0+60x30',
    },
    atMinute: 85,
    fires: [
      { alert: 'ServiceGone', labels: { service: 'audit' } },
      { alert: 'AuditBehind' },
      { alert: 'AuditStuck' },
      { alert: 'CommandsFailing', severities: BOTH },
    ],
  },
  {
    name: 'a key was changed on one side only: everybody who is not in yet is refused',
    series: {
      'runnel_gateway_identity_checks_total{service="gateway",outcome="ok"}': '0+60x30 1800x40',
      'runnel_gateway_identity_checks_total{service="gateway",outcome="unauthorized"}': '0x30 0+60x40',
    },
    atMinute: 60,
    fires: [{ alert: 'DoorRefuses' }],
    silent: ['KeysUnreachable', 'HandshakesFailing'],
  },
  {
    name: 'one handshake of three is refused at night, and one caller of two',
    series: {
      'runnel_gateway_handshakes_total{service="gateway",outcome="accepted"}': '0x60 2x20',
      'runnel_gateway_handshakes_total{service="gateway",outcome="full"}': '0x60 1x20',
      'runnel_gateway_identity_checks_total{service="gateway",outcome="ok"}': '0x60 1x20',
      'runnel_gateway_identity_checks_total{service="gateway",outcome="unauthorized"}': '0x60 9x20',
      'runnel_http_requests_total{service="gateway",route="/api/me",method="GET",code="500"}': '0x60 1x20',
    },
    atMinute: 66,
    silent: ['HandshakesFailing', 'DoorRefuses', 'HttpFailing'],
  },
  {
    name: 'pods are replaced in a rollout: each starts once',
    series: {
      [`${START}{service="gateway",instance="a:9080"}`]: '1000x20 stale',
      [`${START}{service="gateway",instance="b:9080"}`]: '_x20 2000x40',
      [`${START}{service="gateway",instance="c:9080"}`]: '1000x22 3000x40',
    },
    atMinute: 40,
    silent: ['ProcessRestarts'],
  },
  {
    name: 'one answer of sixty in an hour fails',
    series: { [ends('complete')]: '0+1x80', [ends('failed')]: '0x60 1x20' },
    atMinute: 64,
    silent: ['AnswersIncomplete', 'ModelFailing'],
  },
  {
    name: 'twelve answers an hour, and every one fails',
    series: { [ends('complete')]: '0x80', [ends('failed')]: '0+0.2x80' },
    atMinute: 75,
    fires: [{ alert: 'AnswersIncomplete', severities: BOTH }],
  },
  {
    name: 'one audit event of 700 is late',
    series: {
      'runnel_audit_visible_seconds_bucket{service="audit",le="60"}': '0+10x65 659+10x60',
      'runnel_audit_visible_seconds_bucket{service="audit",le="+Inf"}': '0+10x125',
      'runnel_audit_visible_seconds_count{service="audit"}': '0+10x125',
    },
    atMinute: 69,
    silent: ['AuditLate'],
  },
];
