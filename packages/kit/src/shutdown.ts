import type { Logger } from './log.ts';
import { describeStartupFailure } from './startup-failure.ts';
import { withDeadline } from './wait.ts';

export interface Closable {
  /** For the log. */
  name?: string;
  close(): unknown;
}

export interface Started {
  /** In the order they were started; closed one after the other in reverse. */
  closables: readonly Closable[];
  log?: Logger;
  /** What all closings together may take; 25 s, which is within Kubernetes' default grace period of 30 s. */
  shutdownMs?: number;
}

export interface ServiceControl {
  /** Ends the service as SIGTERM would: for an error that nothing but a new process repairs. */
  stop(reason: string, exitCode?: number): void;
}

/** The part of `process` that this needs; tests give another. */
export interface ProcessHost {
  on(event: string, listener: (argument: unknown) => void): unknown;
  exit(code: number): unknown;
  stderr: { write(text: string): unknown };
}

export interface ServiceOptions {
  /** `gateway`, `ai`, …: opens the line that tells why it cannot start. */
  name: string;
  start(control: ServiceControl): Promise<readonly Closable[] | Started>;
  host?: ProcessHost;
  /** Monotonic milliseconds. */
  now?: () => number;
}

const SHUTDOWN_MS = 25_000;
/** npm and the terminal both deliver one Ctrl-C; only a later one is impatience. */
const SAME_SIGNAL_MS = 1000;
/** How long a stop waits for a start that has not ended. */
const START_GRACE_MS = 5000;
const EXIT_BY_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * The life of a process: starts, waits for SIGTERM or SIGINT, closes in reverse order, exits.
 * Exit code 0 after a clean end, 1 when the start failed, a closing failed or took too long, or something was thrown
 * that nobody caught. A second signal, a second or more after the first, ends it at once.
 */
export async function runService({ name, start, host = process, now = () => performance.now() }: ServiceOptions): Promise<void> {
  let exitCode = 0;
  let stopping: Promise<void> | undefined;
  let signalledAt: number | undefined;
  let running: Started | undefined;
  const starting = Promise.resolve()
    .then(() => start({ stop }))
    .then(toStarted);

  function stop(reason: string, code = 0): void {
    exitCode = Math.max(exitCode, code);
    stopping ??= shutdown(reason);
  }
  async function shutdown(reason: string): Promise<void> {
    const started = await withDeadline(starting, START_GRACE_MS, () => undefined).catch(() => undefined);
    const clean = started === undefined ? false : await closeAll(started, reason);
    host.exit(clean ? exitCode : 1);
  }
  function failToStart(error: unknown): void {
    const { line, expected } = describeStartupFailure(error);
    host.stderr.write(`runnel ${name} cannot start: ${line}\n`);
    if (!expected && error instanceof Error) host.stderr.write(`${error.stack ?? ''}\n`);
    host.exit(1);
  }
  const onUncaught = (kind: string) => (error: unknown) => {
    // An event emitter that failed before the start was over: nobody will ever resolve it.
    if (running === undefined) return failToStart(error);
    if (running.log === undefined)
      host.stderr.write(`runnel ${name}: ${kind}: ${error instanceof Error ? (error.stack ?? '') : String(error)}\n`);
    running.log?.fatal({ event: 'process.uncaught', kind, err: error });
    stop(kind, 1);
  };
  const onSignal = (signal: 'SIGTERM' | 'SIGINT') => () => {
    signalledAt ??= now();
    if (now() - signalledAt >= SAME_SIGNAL_MS) host.exit(EXIT_BY_SIGNAL[signal]);
    else stop(signal);
  };
  host.on('SIGTERM', onSignal('SIGTERM'));
  host.on('SIGINT', onSignal('SIGINT'));
  host.on('uncaughtException', onUncaught('uncaught exception'));
  host.on('unhandledRejection', onUncaught('unhandled rejection'));

  try {
    running = await starting;
  } catch (error) {
    failToStart(error);
  }
}

const toStarted = (started: readonly Closable[] | Started): Started => ('closables' in started ? started : { closables: started });

/** Whether everything closed, without an error and in time. */
async function closeAll({ closables, log, shutdownMs = SHUTDOWN_MS }: Started, reason: string): Promise<boolean> {
  log?.info({ event: 'service.stopping', reason });
  const startedAt = performance.now();
  let current = '';
  let failures = 0;

  const closing = (async () => {
    for (const closable of [...closables].reverse()) {
      current = closable.name ?? closable.constructor.name;
      try {
        await closable.close();
      } catch (error) {
        failures++;
        log?.error({ event: 'service.close-failed', part: current, err: error });
      }
    }
  })();
  await withDeadline(closing, shutdownMs, () => {
    failures++;
    log?.error({ event: 'service.close-timeout', part: current, shutdownMs });
  });
  log?.info({ event: 'service.stopped', ms: Math.round(performance.now() - startedAt) });
  return failures === 0;
}
