import { isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Kafka, logLevel, type ISocketFactory, type SASLOptions } from 'kafkajs';
import { refusalOf } from './kafka-refusal.ts';
import { createLogThrottle } from './log-throttle.ts';

export const KAFKA_SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

/** Where the brokers are, and what they ask for. */
export interface KafkaAccess {
  brokers: readonly string[];
  /** Absent: no TLS. `ca`: authorities in PEM, trusted instead of Node's own; `cert`, `key`: who we are. */
  tls?: { ca?: string; cert?: string; key?: string };
  sasl?: { mechanism: (typeof KAFKA_SASL_MECHANISMS)[number]; username: string; password: string };
}

export interface KafkaOptions extends KafkaAccess {
  clientId: string;
  log: { warn(fields: object): void; error(fields: object): void };
}

export type OnRefused = (error: unknown) => void;

/** Normal while a cluster moves: kafkajs calls them errors, operators would learn to ignore the log. */
const NOISE =
  /coordinator is (loading|not available)|load in progress|group is rebalancing|rebalancing, so a rejoin|topic with this name already exists|not the leader|does not host this topic|not the correct coordinator/i;

/** While no broker answers, kafkajs says so several times a second. */
const REPEATED_MS = 10_000;
const KEEP_ALIVE_MS = 60_000;

/** kafkajs's own, but that a failed handshake is told with its code: kafkajs takes it for an outage and tries for a minute. */
const tlsSockets =
  (onRefused: OnRefused): ISocketFactory =>
  ({ host, port, ssl, onConnect }) => {
    const socket = connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }), ...ssl }, onConnect);
    return socket.setKeepAlive(true, KEEP_ALIVE_MS).once('error', onRefused);
  };

/** `onRefused` hears of every TLS connection that fails before a request can. */
export const connectKafka = ({ brokers, tls, sasl, clientId, log }: KafkaOptions, onRefused: OnRefused): Kafka =>
  new Kafka({
    clientId,
    brokers: [...brokers],
    ...(tls && { ssl: tls, socketFactory: tlsSockets(onRefused) }),
    ...(sasl && { sasl: sasl as SASLOptions }),
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    // The producer's own retry setting does not cover reconnects, so it stands here.
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 60 },
    logLevel: logLevel.WARN,
    logCreator: () => {
      const isWorthALine = createLogThrottle(REPEATED_MS);
      return (entry) => {
        const message = `${entry.log.message} ${String(entry.log['error'] ?? '')}`.slice(0, 300);
        if (!NOISE.test(message) && isWorthALine(message)) log.warn({ event: 'kafka.client', message });
      };
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

/**
 * Whether an error only says that Kafka is not there, or does not let us in: then a new consumer helps, later, and a new process
 * would help no more.
 */
export const isKafkaOutage = (error: unknown): boolean => {
  for (let at = error; at instanceof Error; at = at.cause) {
    // kafkajs takes a broker that ends while we say who we are for one that refuses.
    if (refusalOf(at) !== undefined || OUTAGES.has(at.name) || (at as { retriable?: boolean }).retriable === true) return true;
  }
  return false;
};
