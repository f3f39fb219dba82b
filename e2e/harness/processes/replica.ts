import { startRedis, type TestRedis } from '@runnel/coordination/testing';
import { waitFor } from '../wait.ts';
import { startTcpProxy } from './tcp-proxy.ts';

export interface Replica extends AsyncDisposable {
  redis: TestRedis;
  /** Resolves when it has all that its master had at the call. */
  caughtUp(): Promise<void>;
  /** From now on it hears nothing of its master, and the master does not know. */
  lag(): void;
}

/** A field of `INFO replication`. */
const replicationOf = async (redis: TestRedis, field: string): Promise<string> =>
  new RegExp(`^${field}:(.*?)\r?$`, 'm').exec(String(await redis.cli('INFO', 'replication')))?.[1] ?? '';

/** A Redis that follows `master`, by a wire that can fall silent. */
export const startReplica = async (master: TestRedis): Promise<Replica> => {
  const wire = await startTcpProxy(master.port);
  const redis = await startRedis({ args: ['--replicaof', '127.0.0.1', String(wire.port)] });
  await waitFor(async () => (await replicationOf(redis, 'master_link_status')) === 'up', {
    deadlineMs: 15_000,
    what: 'the replica to follow',
  });
  return {
    redis,
    caughtUp: async () => {
      // The wire is this process's own: after a second in which it stood still, what viewers have been shown may be before the replica is.
      const told = Number(await replicationOf(master, 'master_repl_offset'));
      await waitFor(async () => Number(await replicationOf(redis, 'slave_repl_offset')) >= told, {
        deadlineMs: 10_000,
        what: 'the replica to have what its master has',
      });
    },
    lag: () => void (wire.blackHole = 'all'),
    [Symbol.asyncDispose]: async () => {
      await redis.stop();
      await wire.close();
    },
  };
};
