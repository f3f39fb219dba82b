import { RunnelError } from '@runnel/protocol';

/** So many pieces of heavy work at a time, so many more in line; the rest is `overloaded`. */
export const createPlaces = (width: number, line: number) => {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running < width) running++;
    else {
      if (waiting.length >= line) throw new RunnelError('overloaded', undefined, { retryAfterMs: 1_000 });
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      // A place is handed over, so that nobody gets in between.
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
};
