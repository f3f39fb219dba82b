import type { RunLog } from '@runnel/coordination';
import { RunnelError } from '@runnel/protocol';

type Fault = 'none' | 'down' | 'lost-answers' | 'frozen';

export interface FaultyRunLog extends RunLog {
  /** `down`: every call is refused. `lost-answers`: it is done and refused. `frozen`: it waits until the fault is `none`. */
  fault: Fault;
  /** The store behind it; another one is a store that has lost everything. */
  inner: RunLog;
  /** Calls by name. */
  calls: string[];
}

/** A run log whose connection the test breaks. Subscriptions stay as they are. */
export const createFaultyRunLog = (inner: RunLog): FaultyRunLog => {
  const own = { fault: 'none' as Fault, inner, calls: [] as string[] };
  let thaw = Promise.withResolvers<void>();
  const refuse = (): never => {
    throw new RunnelError('unavailable');
  };
  const call = async (name: keyof RunLog, args: unknown[]): Promise<unknown> => {
    own.calls.push(name);
    if (own.fault === 'frozen') await thaw.promise;
    if (own.fault === 'down') refuse();
    const result = await (own.inner[name] as (...args: unknown[]) => Promise<unknown>)(...args);
    if (own.fault === 'lost-answers') refuse();
    return result;
  };
  return new Proxy(own as FaultyRunLog, {
    get: (target, name: keyof RunLog) => {
      if (name in own) return target[name];
      if (name === 'onWork' || name === 'follow' || name === 'close') return own.inner[name];
      // An async function returns this object: it must not look like a promise.
      return (name as string) === 'then' ? undefined : (...args: unknown[]) => call(name, args);
    },
    set(_target, name: string, value: unknown) {
      Object.assign(own, { [name]: value });
      if (own.fault === 'none') {
        thaw.resolve();
        thaw = Promise.withResolvers();
      }
      return true;
    },
  });
};
