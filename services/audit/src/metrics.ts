import { LATENCY_BUCKETS_SECONDS, startAtZero, type Metrics } from '@runnel/kit';

export type AuditMetrics = ReturnType<typeof createAuditMetrics>;

const createAuditMetrics = (metrics: Metrics) => ({
  relayed: metrics.counter('runnel_outbox_relayed_total', 'Outbox entries that left the outbox because they are stored elsewhere'),
  relayFailures: metrics.counter('runnel_outbox_relay_failures_total', 'Rounds of the relay that could not store what they read'),
  refused: metrics.counter(
    'runnel_outbox_refused_total',
    'Events that Kafka did not take for their size or content and that were stored past it',
  ),
  backlog: metrics.gauge('runnel_outbox_backlog', 'Outbox entries that wait, in all shards'),
  lag: metrics.gauge('runnel_kafka_lag', 'Records that a group has not stored yet', ['group']),
  batchSeconds: metrics.histogram('runnel_audit_batch_seconds', 'Storing one batch of events', LATENCY_BUCKETS_SECONDS, ['group']),
  visibleSeconds: metrics.histogram(
    'runnel_audit_visible_seconds',
    'From an event in the log to its row in the tables, where it can be seen (includes the difference of the clocks)',
    LATENCY_BUCKETS_SECONDS,
  ),
  events: metrics.counter('runnel_audit_events_total', 'Events handled, those that were stored before included', ['group']),
  checkpointAge: metrics.gauge('runnel_checkpoint_age_seconds', 'Since the newest signed checkpoint of the trail; 0 without a key to sign'),
  deadLetters: metrics.counter('runnel_dead_letters_total', 'Events that could not be stored and were put aside'),
  waiting: metrics.gauge('runnel_audit_waiting_answers', 'Answers that wait for a person, in all conversations that the database has'),
  removed: metrics.counter(
    'runnel_audit_retention_removed_total',
    'What was past its time and was removed; `trail`: months, in SQLite events',
    ['what'],
  ),
  retentionAge: metrics.gauge(
    'runnel_audit_retention_age_seconds',
    'Since all that was past its time had been removed; 0 where nothing has a term',
  ),
  holds: metrics.gauge('runnel_audit_legal_holds', 'Legal holds in force'),
  runs: metrics.counter('runnel_audit_runs_total', 'Runs that ended, by reason', ['reason']),
});

export const auditMetrics = (metrics: Metrics): AuditMetrics => {
  const all = createAuditMetrics(metrics);
  startAtZero(all.runs, { reason: ['complete', 'cancelled', 'failed', 'interrupted'] });
  startAtZero(all.removed, { what: ['messages', 'conversations', 'runs', 'timelines', 'trail'] });
  return all;
};
