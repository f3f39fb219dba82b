import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { LOG_LEVELS } from './log.ts';
import { setting } from './setting.ts';
import { otelSettings } from './telemetry/otel-settings.ts';

/** The two ports of a service, with its own defaults. 0 lets the system choose; the start line then has the real port. */
export const portSettings = (port: number, internalPort: number) => ({
  port: setting.integer('PORT', {
    default: port,
    minimum: 0,
    maximum: 65_535,
    description: 'Port of the public interface; 0 = any free one',
  }),
  internalPort: setting.integer('INTERNAL_PORT', {
    default: internalPort,
    minimum: 0,
    maximum: 65_535,
    description: 'Port of /livez, /readyz and /metrics; 0 = any free one',
  }),
});

/** A file whose path is handed on and which is read when a connection is made; looked at once at the start. */
export const pathOfFile = (env: string, description: string) =>
  setting.file(env, { optional: true, readFile: (path) => readFileSync(path, 'utf8'), description });

/** What every service can be told. Spread it into `defineConfig`, and `portSettings` after it for other ports. */
export const commonSettings = {
  nodeId: setting.string('NODE_ID', {
    default: `${hostname()}-${process.pid}`,
    pattern: '^[A-Za-z0-9_.-]{1,128}$',
    defaultText: 'host name and process id',
    description: 'Name of this process in logs, metrics and leases; in Kubernetes the pod name',
  }),
  host: setting.string('HOST', { default: '0.0.0.0', description: 'Address to listen on' }),
  ...portSettings(8080, 9080),
  logLevel: setting.oneOf('LOG_LEVEL', LOG_LEVELS, { default: 'info', description: 'Least important level that is logged' }),
  commit: setting.string('RUNNEL_COMMIT', {
    default: 'unknown',
    pattern: '^[A-Za-z0-9._-]{1,64}$',
    description: 'The commit it was built from, as `runnel_build_info` shows it; images have it set',
  }),
  redisUrl: setting.url('REDIS_URL', {
    default: 'redis://127.0.0.1:6379',
    inFile: true,
    schemes: ['redis', 'rediss', 'redis+cluster', 'rediss+cluster', 'redis+sentinel', 'rediss+sentinel'],
    description: 'The Redis that holds the logs: single, cluster or sentinel, by scheme',
  }),
  redisKeyPrefix: setting.string('REDIS_KEY_PREFIX', {
    default: '',
    pattern: '^[A-Za-z0-9:._-]{0,64}$',
    description: 'What all keys and channels begin with, so that two installations may share a Redis; the same for all services of one',
  }),
  redisShards: setting.integer('REDIS_SHARDS', {
    optional: true,
    minimum: 1,
    maximum: 1024,
    defaultText: 'what the Redis has; 64 in an empty one',
    description:
      'How many shards conversations are spread over; chosen once, with an empty Redis, the same for all services of an installation',
  }),
  redisCaFile: pathOfFile('REDIS_CA_FILE', "PEM file of the authorities that sign Redis's certificate, trusted instead of Node's own"),
  redisCertFile: pathOfFile('REDIS_CERT_FILE', 'PEM file of the certificate that this process shows to Redis'),
  redisKeyFile: pathOfFile('REDIS_KEY_FILE', 'PEM file of its key'),
  internalToken: setting.string('INTERNAL_TOKEN', {
    optional: true,
    secret: true,
    description:
      'What our services show to each other, and who drains over HTTP has to; unset, with no file either: a random one that they share through Redis',
  }),
  internalTokenFile: setting.file('INTERNAL_TOKEN_FILE', {
    optional: true,
    readFile: (path) => readFileSync(path, 'utf8'),
    description: 'A file that holds it instead; read again when a call is refused, so that it may change',
  }),
  ...otelSettings,
};
