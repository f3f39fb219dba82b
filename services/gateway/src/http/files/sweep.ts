import type { FileStore } from '@runnel/files';
import type { Logger } from '@runnel/kit';

const HOUR_MS = 60 * 60 * 1000;

/** Removes unused uploads about every hour; gateways over one folder look at different times, and to remove twice is harmless. */
export const sweepFiles = (files: FileStore, log: Logger, random: () => number = Math.random): Disposable => {
  let timer: NodeJS.Timeout;
  const again = (): void => {
    timer = setTimeout(sweep, HOUR_MS * (0.5 + random()));
    timer.unref();
  };
  const sweep = (): void => {
    files
      .sweep()
      .then((removed) => removed > 0 && log.info({ event: 'files.swept', removed }))
      .catch((err: unknown) => log.warn({ event: 'files.not-swept', err }))
      .finally(again);
  };
  again();
  return { [Symbol.dispose]: () => clearTimeout(timer) };
};
