import { Cluster, type Redis } from 'ioredis';
import type { RedisClient } from './client/connect.ts';
import { ofShard, shardCount } from './keys.ts';
import type { ScriptRunner } from './scripts.ts';

type Noted = ['same' | 'raised', number, string] | ['unknown'];

/**
 * Tells each shard, on every new connection and before anything else, which server answers it. A process that was restarted, or a replica
 * that was promoted, can only be reached by a new connection, so whoever comes first begins the new generation before it reads or writes a log:
 * no command of the other scripts has to carry anything for that.
 *
 * In a cluster a connection may outlive a promotion, and the commands that waited for it go first; there it is told again at each refresh
 * of the slots (5 s).
 */
export const watchGeneration = (client: RedisClient, scripts: ScriptRunner, onError: (error: Error) => void) => {
  const listeners = new Set<() => void>();
  const known = new Map<number, string>();
  let changedAt = Number.NEGATIVE_INFINITY;

  const note = async (shard: number): Promise<boolean> => {
    const noted = (await scripts.run('note-store', ofShard(shard), {})) as Noted;
    if (noted[0] === 'unknown') return false;
    const now = `${noted[1]} ${noted[2]}`;
    const before = known.get(shard);
    known.set(shard, now);
    if (before === undefined || before === now) return false;
    changedAt = performance.now();
    return true;
  };
  const noteAll = async (): Promise<void> => {
    const notes = await Promise.allSettled(Array.from({ length: shardCount() }, (_, shard) => note(shard)));
    if (notes.some((result) => result.status === 'fulfilled' && result.value)) for (const listener of listeners) listener();
    const failed = notes.find((result) => result.status === 'rejected');
    if (failed) onError(failed.reason as Error);
  };

  client.on('ready', () => void noteAll());
  if (client instanceof Cluster) {
    client.on('refresh', () => void noteAll());
    client.on('+node', (node: Redis) => node.on('ready', () => void noteAll()));
  }
  return {
    onChange: (listener: () => void): void => void listeners.add(listener),
    changedAgoMs: (): number => performance.now() - changedAt,
  };
};
