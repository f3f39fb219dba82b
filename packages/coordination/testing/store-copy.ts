import { Redis } from 'ioredis';
import { waitFor } from './wait.ts';

/** A whole store at one moment, and where its clock was set by then. */
export interface StoreCopy {
  values: readonly { key: string; value: Buffer; ttl: number }[];
  passed: number;
}

/** A store whose time passes when a test says so, and that goes back to a copy of itself as a promoted replica does. */
export interface TimedStore {
  /** So much time has gone by, as everything sees it that is kept there; what really went by since the last call has not. */
  pass(ms: number): Promise<void>;
  copy(): Promise<StoreCopy>;
  /** Another server answers, with that data; resolves when every shard has been told. */
  goBack(copy: StoreCopy): Promise<void>;
  /** Fields of the events that nobody has taken yet, in order. */
  takeEvents(): Promise<Record<string, string>[]>;
  close(): void;
}

const SETS = /^runs:(leases|queued):/;
/** Times in hashes, by the beginning of the key. */
const TIMES: readonly [RegExp, string][] = [
  [/^session:owner:/, 'expires'],
  [/^store:/, 'since'],
  [/^chat:meta:/, 'lossy'],
];

export const openTimedStore = (port: number): TimedStore => {
  const redis = new Redis({ port, disableClientInfo: true });
  redis.on('error', () => {});
  let [passed, setAt] = [0, Date.now()];

  /** Makes everything kept so much older. */
  const age = async (ms: number): Promise<void> => {
    for (const key of await redis.keys('*')) {
      if (SETS.test(key))
        for (const member of (await redis.call('ZRANGE', key, '0', '-1')) as string[])
          await redis.call('ZINCRBY', key, String(-ms), member);
      for (const [pattern, field] of TIMES) {
        const at = pattern.test(key) ? Number(await redis.hget(key, field)) : 0;
        if (at > 0) await redis.hset(key, field, String(at - ms));
      }
    }
  };
  const pass = async (ms: number): Promise<void> => {
    const now = Date.now();
    await age(ms - (now - setAt));
    passed += ms - (now - setAt);
    setAt = now;
  };
  return {
    pass,
    async copy() {
      const keys = await redis.keys('*');
      const values = await Promise.all(
        keys.map(async (key) => ({ key, value: await redis.dumpBuffer(key), ttl: Math.max(0, await redis.pttl(key)) })),
      );
      return { values: values.flatMap(({ value, ...rest }) => (value === null ? [] : [{ ...rest, value }])), passed };
    },
    async goBack(copy) {
      await redis.flushall();
      for (const { key, value, ttl } of copy.values) await redis.restore(key, ttl, value);
      await age(passed - copy.passed);
      const shards = await redis.keys('store:*');
      for (const key of shards) await redis.hset(key, 'node', 'another');
      await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      const nodes = () => Promise.all(shards.map((key) => redis.hget(key, 'node')));
      await waitFor(async () => !(await nodes()).includes('another'), { deadlineMs: 20_000, what: 'every shard knows its new server' });
    },
    async takeEvents() {
      const taken: Record<string, string>[] = [];
      for (const key of await redis.keys('events:{*')) {
        if ((await redis.type(key)) !== 'stream') continue;
        for (const [id, fields] of await redis.xrange(key, '-', '+')) {
          taken.push(Object.fromEntries(fields.flatMap((name, index) => (index % 2 === 0 ? [[name, fields[index + 1]!]] : []))));
          await redis.xdel(key, id);
        }
      }
      return taken;
    },
    close: () => redis.disconnect(),
  };
};
