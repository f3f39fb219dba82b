import { connectRedis, createRedisCaller, openShards, openStoreAddress, OutboxShards, type RedisClient } from '@runnel/coordination';
import type { EventBus } from '@runnel/events';
import { asConfigError, createMetrics, type Closable, type Logger, type Metrics, type Tracer } from '@runnel/kit';
import { auditMetrics } from './metrics.ts';
import type { AuditConfig } from './config.ts';
import { readSigningKey } from './checkpoints/key.ts';
import { startCheckpoints } from './checkpoints/service.ts';
import { startConsumers } from './ingest/consumers.ts';
import { kafkaDeadLetters } from './ingest/dead-letters.ts';
import { createDirect } from './relay/direct.ts';
import { databaseAddress } from './database/address.ts';
import { openBus } from './ingest/kafka-settings.ts';
import { RelayLoop, type RelayOptions } from './relay/relay-loop.ts';
import { watchWaiting } from './read/watch-waiting.ts';
import { startRetention } from './retention/service.ts';
import { openTables, type AuditTables } from './audit-database.ts';

const RELAY_LEASE_MS = 5_000;
const DAY_MS = 86_400_000;
/** The audit starts also while Redis is away. */
const STORE_WAIT_MS = 1000;

export interface AuditService {
  tables: AuditTables;
  redis: RedisClient;
  /** In the order they were started. */
  closables: Closable[];
  /** Those of them that take events: what a drain ends. Closing one again does nothing. */
  working: Closable[];
}

export interface AuditServiceDeps {
  metrics?: Metrics;
  tracer?: Tracer;
  /** Nothing but a new process helps. */
  onFatal?(error: unknown): void;
  /** The same, in a line for whoever runs it. */
  stop?(reason: string): void;
}

/** Relay, store and reader, joined as the configuration says: through Kafka, or straight from the outbox. */
export const startAudit = async (config: AuditConfig, log: Logger, deps: AuditServiceDeps = {}): Promise<AuditService> => {
  const metrics = auditMetrics(deps.metrics ?? createMetrics('audit', { processMetrics: false }));
  const tables = await openTables(databaseAddress(config));
  const closables: Closable[] = [{ name: 'database', close: () => tables.close() }];
  const { retentionMs, messageRetentionMs: messageMs, runRetentionMs: runMs } = config;
  const terms = { retentionMs, messageMs, runMs, lateMs: config.kafkaRetentionMs + DAY_MS };
  closables.push(startRetention({ tables, terms, metrics, log }));

  closables.push(watchWaiting(tables, metrics, log));
  const redis = connectRedis(openStoreAddress(config), (error) => log.warn({ event: 'redis.error', message: error.message }));
  closables.push({ name: 'redis', close: () => redis.disconnect() });
  const asking = { client: redis, wanted: config.redisShards, waitMs: STORE_WAIT_MS, refuse: (line: string) => deps.stop?.(line) };
  const shards = await openShards(asking).catch(asConfigError);
  closables.push({ name: 'shards', close: () => shards.close() });
  const outbox = new OutboxShards(redis, createRedisCaller(redis), { node: config.nodeId, leaseMs: RELAY_LEASE_MS });

  const working: Closable[] = [];
  const direct = createDirect(tables, metrics, deps.tracer);
  let target: Pick<RelayOptions, 'deliver' | 'store' | 'deadLetters'> = direct;
  const pem = config.checkpointKey ?? config.checkpointKeyFile?.text;
  const signing = pem === undefined ? undefined : readSigningKey(pem);
  let checkpointBus: EventBus | undefined;
  if (config.kafkaBrokers.length > 0) {
    const bus = openBus(config, config.nodeId, log);
    closables.push({ name: 'kafka', close: () => bus.close() });
    target = { deliver: (records) => bus.deliver(records), store: direct.store, deadLetters: kafkaDeadLetters(bus, direct.deadLetters) };
    checkpointBus = bus;
    const onFatal = deps.onFatal ?? ((error) => log.error({ event: 'kafka.fatal', message: String(error) }));
    working.push(startConsumers({ bus, tables, deadLetters: target.deadLetters, metrics, config, log, onFatal, tracer: deps.tracer }));
  }

  if (signing) {
    const { database } = tables;
    working.push(startCheckpoints({ database, key: signing, file: config.checkpointFile, bus: checkpointBus, metrics, log }));
  }
  const relay = new RelayLoop({ outbox, ...target, metrics, log, drainMs: config.drainMs });
  relay.start();
  working.push({ name: 'relay', close: () => relay.close() });
  return { tables, redis, closables: [...closables, ...working], working };
};
