import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  level?: LogLevel;
  node: string;
  service: string;
}

/** Field names that hold what must never be written: people's words and whatever opens a door. */
const NEVER_LOGGED = ['text', 'token', 'password', 'secret', 'apiKey', 'authorization', 'cookie'];

/**
 * One JSON line per event on stdout: `log.info({ event: 'run.claimed', runId, epoch })`. The event's name is a field, so
 * that it can be searched; there is no prose. Errors go under `err`.
 */
export function createLogger({ level = 'info', node, service }: LoggerOptions, destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: { service, node },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: NEVER_LOGGED.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '***' },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  );
}

/** Says nothing; for tests and for parts that were given no log. */
export const silentLog: Logger = pino({ level: 'silent' });
