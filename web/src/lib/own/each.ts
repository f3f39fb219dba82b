import { toRunnelError } from '@runnel/protocol';

/** So many at a time: a server counts what one person asks for. */
const WIDTH = 3;
const TRIES = 3;
/** Longer than that (ms) nobody waits who is not asked. */
const LONGEST_WAIT = 10_000;
const FIRST_WAIT = 500;

export interface EachOptions {
  /** After each that is done. */
  onDone?: (id: string) => void;
  /** @param ms how long */
  wait?: (ms: number) => Promise<void>;
  /** In [0, 1), for jitter. */
  random?: () => number;
}
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Does something to each of many, a few at a time; what a server puts off is tried again, and one failure keeps none of the others. @returns those that failed */
export const eachOf = async (
  ids: readonly string[],
  work: (id: string) => Promise<void>,
  { onDone = () => {}, wait = sleep, random = Math.random }: EachOptions = {},
): Promise<string[]> => {
  const left = [...ids];
  const failed: string[] = [];
  const attempt = async (id: string): Promise<boolean> => {
    for (let tries = 1; ; tries++) {
      try {
        await work(id);
        return true;
      } catch (error) {
        const { retryable, retryAfterMs = FIRST_WAIT * 2 ** tries } = toRunnelError(error);
        if (!retryable || tries === TRIES || retryAfterMs > LONGEST_WAIT) return false;
        await wait(retryAfterMs * (1 + random() / 2));
      }
    }
  };
  const worker = async (): Promise<void> => {
    for (let id = left.shift(); id !== undefined; id = left.shift()) {
      if (await attempt(id)) onDone(id);
      else failed.push(id);
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, worker));
  return failed;
};
