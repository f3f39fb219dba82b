import type { Logger } from './log.ts';
import { describeStartupFailure } from './startup-failure.ts';

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
}

const SHUTDOWN_MS = 25_000;
const EXIT_BY_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * The life of a process: starts, waits for SIGTERM or SIGINT, closes in reverse order, exits.
 * Exit code 0 after a clean end, 1 when the start failed, a closing failed or took too long, or something was thrown
 * that nobody caught. A second signal ends it at once.
 */
export async function runService({ name, start, host = process }: ServiceOptions): Promise<void> {
  let stopping: Promise<void> | undefined;
  const starting = Promise.resolve().then(() => start({ stop }));

  function stop(reason: string, exitCode = 0): void {
    stopping ??= starting
      .then(toStarted)
      .then((started) => closeAll(started, reason, exitCode))
      .then(
        (code) => void host.exit(code),
        // The start failed: runService itself says so and exits.
        () => undefined,
      );
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    host.on(signal, () => (stopping === undefined ? stop(signal) : host.exit(EXIT_BY_SIGNAL[signal])));
  }

  let log: Logger | undefined;
  const onUncaught = (kind: string) => (error: unknown) => {
    if (log === undefined) host.stderr.write(`runnel ${name}: ${kind}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    else log.fatal({ event: 'process.uncaught', kind, err: error });
    stop(kind, 1);
  };
  host.on('uncaughtException', onUncaught('uncaught exception'));
  host.on('unhandledRejection', onUncaught('unhandled rejection'));

  try {
    log = toStarted(await starting).log;
  } catch (error) {
    const { line, expected } = describeStartupFailure(error);
    host.stderr.write(`runnel ${name} cannot start: ${line}\n`);
    if (!expected && error instanceof Error) host.stderr.write(`${error.stack ?? ''}\n`);
    host.exit(1);
  }
}

const toStarted = (started: readonly Closable[] | Started): Started => ('closables' in started ? started : { closables: started });

async function closeAll({ closables, log, shutdownMs = SHUTDOWN_MS }: Started, reason: string, exitCode: number): Promise<number> {
  log?.info({ event: 'service.stopping', reason });
  const startedAt = performance.now();
  let current = '';
  let failed = false;
  let timer: NodeJS.Timeout | undefined;

  const closing = (async () => {
    for (const closable of [...closables].reverse()) {
      current = closable.name ?? closable.constructor.name;
      try {
        await closable.close();
      } catch (error) {
        failed = true;
        log?.error({ event: 'service.close-failed', part: current, err: error });
      }
    }
    return true;
  })();
  const tooLate = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), shutdownMs)));
  const inTime = await Promise.race([closing, tooLate]);
  clearTimeout(timer);
  if (!inTime) log?.error({ event: 'service.close-timeout', part: current, shutdownMs });
  log?.info({ event: 'service.stopped', ms: Math.round(performance.now() - startedAt) });
  return failed || !inTime ? 1 : exitCode;
}
