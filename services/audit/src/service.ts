import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { connectRedis, createCaller, OutboxShards } from '@runnel/coordination';
import { CHAT_TOPIC, createKafkaBus, DEAD_LETTER_TOPIC, STREAM_TOPIC, type EventBus, type Publish } from '@runnel/events';
import type { Closable, Logger } from '@runnel/kit';
import type { AuditConfig } from './config.ts';
import { openDatabase } from './database/data-source.ts';
import { createIngest } from './ingest.ts';
import { AuditReader } from './reader.ts';
import { publishToStore, RelayLoop } from './relay-loop.ts';
import { AuditStore } from './store.ts';

const RELAY_LEASE_MS = 5_000;
const TOPICS = [CHAT_TOPIC, STREAM_TOPIC];

export interface AuditService {
  reader: AuditReader;
  ping(): Promise<void>;
  /** In the order they were started. */
  closables: Closable[];
}

export interface AuditTables {
  store: AuditStore;
  reader: AuditReader;
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** The database, brought up to date, with its writer and its reader. */
export const openTables = async (databaseUrl: string): Promise<AuditTables> => {
  const file = databaseUrl.startsWith('sqlite:') ? databaseUrl.slice('sqlite:'.length) : null;
  if (file !== null && file !== ':memory:') await mkdir(dirname(file), { recursive: true });
  const database = await openDatabase(databaseUrl);
  return {
    store: new AuditStore(database),
    reader: new AuditReader(database),
    ping: async () => void (await database.query('SELECT 1')),
    close: () => database.destroy(),
  };
};

/** Relay, store and reader, joined as the configuration says: through Kafka, or straight from the outbox. */
export const startAudit = async (config: AuditConfig, log: Logger): Promise<AuditService> => {
  const tables = await openTables(config.databaseUrl);
  const { store } = tables;
  const closables: Closable[] = [{ name: 'database', close: () => tables.close() }];

  const redis = connectRedis(config.redisUrl, (error) => log.warn({ event: 'redis.error', err: error }));
  closables.push({ name: 'redis', close: () => redis.disconnect() });
  const outbox = new OutboxShards(redis, createCaller(redis), { node: config.nodeId, leaseMs: RELAY_LEASE_MS });

  let publish: Publish = publishToStore(store);
  if (config.kafkaBrokers.length > 0) {
    const bus = createKafkaBus({ brokers: config.kafkaBrokers, clientId: config.nodeId, log });
    closables.push({ name: 'kafka', close: () => bus.close() }, await consume(bus, store, config, log));
    publish = (records) => bus.publish(records);
  }
  const relay = new RelayLoop({
    outbox,
    publish,
    log,
    // An entry the scripts wrote and we cannot read is a bug: it stays visible in the log and must not hold up the shard.
    onUnreadable: async (entry, reason) => log.error({ event: 'relay.unreadable', entryId: entry.entryId, reason }),
  });
  relay.start();
  closables.push({ name: 'relay', close: () => relay.close() });
  return { reader: tables.reader, ping: () => tables.ping(), closables };
};

const consume = async (bus: EventBus, store: AuditStore, config: AuditConfig, log: Logger): Promise<Closable> => {
  const settings = { partitions: config.kafkaPartitions, retentionMs: config.kafkaRetentionMs };
  for (const { topic, warnings } of await bus.ensureTopics([...TOPICS, DEAD_LETTER_TOPIC], settings)) {
    if (warnings.length > 0) log.warn({ event: 'kafka.topic-differs', topic, warnings });
  }
  const consumption = await bus.consume({
    group: 'audit-trail',
    topics: TOPICS,
    fromBeginning: true,
    handle: createIngest(store, bus, log),
    onError: (error) => log.error({ event: 'kafka.consumer', err: error }),
  });
  return { name: 'consumer', close: () => consumption.stop() };
};
