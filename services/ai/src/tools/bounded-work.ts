import { createContext, Script } from 'node:vm';

const sandbox: { work?: (() => unknown) | undefined } = {};
const context = createContext(sandbox);
const script = new Script('work()');

/** Work that somebody else wrote took too long, and was ended. */
export class TooSlow extends Error {}

/**
 * Does work whose cost somebody else decides (a schema's patterns, its references), and ends it after so long: V8 can be told to stop in
 * the middle of a regular expression only from another thread, which is what a script with a deadline has. Costs about a millisecond.
 *
 * @throws TooSlow
 */
export const within = <T>(ms: number, work: () => T): T => {
  sandbox.work = work;
  try {
    return script.runInContext(context, { timeout: Math.max(1, Math.ceil(ms)) }) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw new TooSlow();
    throw error;
  } finally {
    sandbox.work = undefined;
  }
};
