import type { Dashboard } from '../lib/grafana.ts';
import { maxOf, perSecond, quantile } from '../lib/query.ts';
import { processRow } from './process.ts';

export const audit: Dashboard = {
  uid: 'runnel-audit',
  title: 'Audit and Kafka',
  description: 'From the outbox through Kafka to the tables.',
  rows: [
    {
      title: 'Outbox',
      panels: [
        {
          kind: 'timeseries',
          title: 'Backlog',
          description:
            'Events that wait in Redis. Climbing: Kafka or the database takes nothing (runbook AuditStuck) or too little (runbook AuditBehind). Nothing is lost.',
          unit: 'short',
          limit: 5000,
          targets: [maxOf('runnel_outbox_backlog', '')],
        },
        {
          kind: 'timeseries',
          title: 'Relayed',
          description: 'Events that left the outbox because they are stored elsewhere.',
          unit: 'ops',
          targets: [perSecond('runnel_outbox_relayed_total', 'instance')],
        },
        {
          kind: 'timeseries',
          title: 'Relay failures',
          description: 'Rounds of the relay that could not store what they had read; they are tried again.',
          unit: 'ops',
          targets: [perSecond('runnel_outbox_relay_failures_total', 'instance')],
        },
        {
          kind: 'timeseries',
          title: 'Age of the last checkpoint',
          description: 'Since the newest signed checkpoint of the trail, made hourly (runbook CheckpointLate). 0: no key to sign.',
          unit: 's',
          limit: 7200,
          targets: [maxOf('runnel_checkpoint_age_seconds', '')],
        },
        {
          kind: 'timeseries',
          title: 'Stored past Kafka',
          description:
            'Events that Kafka refused for their size or content and that went straight into the database. Nothing is lost; a rebuild from Kafka lacks them. Many: look at the topics’ max.message.bytes.',
          unit: 'ops',
          targets: [perSecond('runnel_outbox_refused_total', 'instance')],
        },
      ],
    },
    {
      title: 'Kafka and tables',
      panels: [
        {
          kind: 'timeseries',
          title: 'Consumer lag',
          description:
            'Records that a group has not stored yet. It stands still while Kafka does not answer; climbing: the database (runbook AuditStuck).',
          unit: 'short',
          targets: [maxOf('runnel_kafka_lag', 'group')],
        },
        {
          kind: 'timeseries',
          title: 'Event to row, p99',
          description: 'From an event in the log to its row in the tables. Above 60 s: runbook AuditLate.',
          unit: 's',
          limit: 60,
          targets: [quantile(0.99, 'runnel_audit_visible_seconds')],
        },
        {
          kind: 'timeseries',
          title: 'Events stored',
          description: 'By group, those that were stored before included.',
          unit: 'ops',
          targets: [perSecond('runnel_audit_events_total', 'group')],
        },
        {
          kind: 'timeseries',
          title: 'Batch time, p99',
          description: 'Storing one batch of events: the time of the database.',
          unit: 's',
          targets: [quantile(0.99, 'runnel_audit_batch_seconds', 'group')],
        },
        {
          kind: 'timeseries',
          title: 'Dead letters',
          description: 'Events that could not be stored and were put aside. Any is worth a look (runbook DeadLetters).',
          unit: 'ops',
          targets: [perSecond('runnel_dead_letters_total', '', 'put aside')],
        },
        {
          kind: 'timeseries',
          title: 'Answers that wait for a person',
          description: 'In all conversations that the database has: people decide when they like, for 30 days, so there is no alert.',
          unit: 'short',
          targets: [maxOf('runnel_audit_waiting_answers', '')],
        },
        {
          kind: 'timeseries',
          title: 'Removed by retention',
          description: 'What was past its time (MESSAGE_RETENTION, RUN_RETENTION, AUDIT_RETENTION) and was removed, by kind.',
          unit: 'ops',
          targets: [perSecond('runnel_audit_retention_removed_total', 'what')],
        },
        {
          kind: 'timeseries',
          title: 'Age of retention',
          description: 'Since all that was past its time had been removed. 0: nothing has a term. Above a day: runbook RetentionLate.',
          unit: 's',
          limit: 86_400,
          targets: [maxOf('runnel_audit_retention_age_seconds', '')],
        },
        {
          kind: 'timeseries',
          title: 'Legal holds',
          description: 'In force: what they name is kept whatever retention and deletions say.',
          unit: 'short',
          targets: [maxOf('runnel_audit_legal_holds', '')],
        },
        {
          kind: 'timeseries',
          title: 'Runs that ended',
          description: "By reason, as the audit trail has them: compare with the AI pods' ends.",
          unit: 'ops',
          targets: [perSecond('runnel_audit_runs_total', 'reason')],
        },
      ],
    },
    processRow('audit'),
  ],
};
