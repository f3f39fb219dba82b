import { readFileSync } from 'node:fs';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { batchWrites } from './write-batch.ts';

/** A store that does not answer within this time is `unavailable`: P-10's second, with room for the way to the caller. */
export const DEADLINE_MS = 850;

export type RedisClient = Redis | Cluster;

export interface RedisTarget {
  mode: 'single' | 'sentinel' | 'cluster';
  nodes: { host: string; port: number }[];
  /** Name of the master, for Sentinel. */
  master: string;
  options: Pick<RedisOptions, 'username' | 'password' | 'db' | 'tls'>;
  /** Paths of PEM files: authorities trusted instead of Node's own, and who we are. */
  files: TlsFiles;
}

const FILES = ['ca', 'cert', 'key'] as const;
export type TlsFiles = Partial<Record<(typeof FILES)[number], string>>;

/** An address with the files of its TLS, as `parseRedisUrl` reads it: everybody who connects has them then. */
export const redisUrlWith = (url: string, files: TlsFiles): string => {
  const told = Object.fromEntries(FILES.flatMap((name) => (files[name] === undefined ? [] : [[name, files[name]]]))) as Record<
    string,
    string
  >;
  return Object.keys(told).length === 0 ? url : `${url}?${new URLSearchParams(told).toString()}`;
};

/**
 * Reads a Redis URL: `redis://`, `rediss://` (TLS), `redis+cluster://host:port,host:port`, `redis+sentinel://host:port,…/master[/db]`,
 * each with `user:password@`; `rediss+…` for TLS, then also `?ca=…&cert=…&key=…`, paths of PEM files.
 *
 * @throws TypeError when it is none of these
 */
export const parseRedisUrl = (url: string): RedisTarget => {
  const match = /^(rediss?)(?:\+(cluster|sentinel))?:\/\/(?:([^@/]*)@)?([^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/.exec(url);
  if (!match) throw new TypeError('REDIS_URL must be redis://, rediss://, redis+cluster:// or redis+sentinel://');
  const [, scheme, kind, credentials = '', hosts = '', path = '', query = ''] = match;
  const mode = (kind ?? 'single') as RedisTarget['mode'];
  const defaultPort = mode === 'sentinel' ? 26_379 : 6_379;
  const nodes = hosts.split(',').map((node) => {
    const { hostname, port } = new URL(`redis://${node}`);
    return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? defaultPort : Number(port) };
  });
  const [username = '', password = ''] = credentials.split(':').map(decodeURIComponent);
  const told = new URLSearchParams(query);
  const files = Object.fromEntries(FILES.flatMap((name) => (told.has(name) ? [[name, told.get(name)]] : []))) as TlsFiles;
  if ([...told.keys()].some((name) => !FILES.includes(name as 'ca'))) throw new TypeError(`REDIS_URL knows ?${FILES.join(', ')} alone`);
  if (told.size > 0 && scheme !== 'rediss') throw new TypeError('Files for TLS need a REDIS_URL that begins with rediss');
  const segments = path.split('/').filter(Boolean);
  const db = Number((mode === 'sentinel' ? segments[1] : segments[0]) ?? 0);
  if (!Number.isInteger(db)) throw new TypeError('The database in REDIS_URL must be a number');
  return {
    mode,
    nodes,
    master: mode === 'sentinel' ? (segments[0] ?? 'mymaster') : '',
    options: {
      ...(username !== '' && { username }),
      ...(password !== '' && { password }),
      ...(db !== 0 && { db }),
      ...(scheme === 'rediss' && { tls: {} }),
    },
    files,
  };
};

/** 50 ms doubling to 1 s, jittered so that pods do not come back together. */
export const retryDelay = (attempt: number, random: () => number = Math.random): number => {
  const ceiling = Math.min(1_000, 50 * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling / 2 + (random() * ceiling) / 2);
};

/**
 * Options that make an outage an error instead of a queue: nothing waits in the client, nothing is sent twice by it (callers repeat
 * what they know to be safe, L-1), and a connection that hangs is cut after the deadline so that its commands do not pile up.
 */
const commonOptions = (deadlineMs: number) =>
  ({
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    connectTimeout: deadlineMs,
    socketTimeout: deadlineMs,
    // A master that became a replica: connect again, which asks Sentinel who is master now.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    disableClientInfo: true,
  }) satisfies RedisOptions;

const backOff = (attempt: number): number => retryDelay(attempt);

/** Files are read for each client that is made, so one that is made later has new certificates. @throws Error when one cannot be read */
const optionsOf = ({ options, files }: RedisTarget): RedisTarget['options'] => {
  if (Object.keys(files).length === 0) return options;
  const read = Object.entries(files).map(([name, path]) => [name, readFileSync(path, 'utf8')]);
  return { ...options, tls: Object.fromEntries(read) as TlsFiles };
};

/** One plain connection, for commands or as a subscriber; on a cluster to one of its nodes. */
export const connectNode = (target: RedisTarget, node?: { host: string; port: number }, deadlineMs: number = DEADLINE_MS): Redis => {
  const options = { ...commonOptions(deadlineMs), ...optionsOf(target), enableOfflineQueue: false, retryStrategy: backOff };
  if (target.mode === 'sentinel') {
    return new Redis({ ...options, sentinels: target.nodes, name: target.master, sentinelRetryStrategy: backOff });
  }
  return new Redis({ ...options, ...(node ?? target.nodes[0]) });
};

/** A client that connects at once and reconnects for ever. Connection errors go to `onError` and are never thrown. */
export const connectRedis = (url: string, onError: (error: Error) => void = () => {}, deadlineMs: number = DEADLINE_MS): RedisClient => {
  const target = parseRedisUrl(url);
  if (target.mode !== 'cluster') return batchWrites(connectNode(target, undefined, deadlineMs)).on('error', onError);
  const cluster = new Cluster(target.nodes, {
    enableOfflineQueue: false,
    redisOptions: { ...commonOptions(deadlineMs), ...optionsOf(target) },
    slotsRefreshTimeout: deadlineMs,
    slotsRefreshInterval: 5_000,
    clusterRetryStrategy: backOff,
  });
  cluster.on('+node', batchWrites);
  return cluster.on('node error', onError).on('error', onError);
};
