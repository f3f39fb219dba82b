import { Kafka, logLevel } from 'kafkajs';

export interface KafkaOptions {
  brokers: readonly string[];
  clientId: string;
  log: { warn(fields: object): void };
}

/** Normal while a cluster moves: kafkajs calls them errors, an operator would only learn to look away. */
const NOISE =
  /coordinator is (loading|not available)|load in progress|group is rebalancing|rebalancing, so a rejoin|topic with this name already exists|not the leader|does not host this topic|not the correct coordinator/i;

export const connectKafka = ({ brokers, clientId, log }: KafkaOptions): Kafka =>
  new Kafka({
    clientId,
    brokers: [...brokers],
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    // The producer's own retry setting does not cover reconnects, so it stands here.
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 60 },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => {
      const text = `${entry.log.message} ${String(entry.log['error'] ?? '')}`;
      if (!NOISE.test(text)) log.warn({ event: 'kafka.client', message: text.slice(0, 300) });
    },
  });

const OUTAGES: ReadonlySet<string> = new Set([
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSNumberOfRetriesExceeded',
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSBrokerNotFound',
  'KafkaJSRequestTimeoutError',
]);

/** Whether an error only says that Kafka is not there: then a new consumer helps, later, and a new process would help no more. */
export const isKafkaOutage = (error: unknown): boolean => {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (OUTAGES.has(at.name) || (at as { retriable?: boolean }).retriable === true) return true;
  }
  return false;
};
