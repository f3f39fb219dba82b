import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@runnel/kit/testing';
import { startRedis, type TestRedis } from './redis-process.ts';
import { waitFor } from './wait.ts';

export interface TestRedisSentinel {
  url: string;
  master: TestRedis;
  replica: TestRedis;
  stop(): Promise<void>;
}

/** A master with one replica and one Sentinel that promotes it half a second after the master has gone. */
export const startRedisSentinel = async (): Promise<TestRedisSentinel> => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-sentinel-'));
  const started: TestRedis[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((redis) => redis.stop()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const master = await startRedis();
    started.push(master);
    const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', `${master.port}`, '--repl-diskless-sync-delay', '0'] });
    started.push(replica);
    await waitFor(async () => String(await master.cli('INFO', 'replication')).includes('state=online'), {
      deadlineMs: 15_000,
      what: 'replica online',
    });
    const settings = join(folder, 'sentinel.conf');
    const lines = [
      `sentinel monitor mymaster 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds mymaster 500',
      'sentinel failover-timeout mymaster 3000',
    ];
    await writeFile(settings, `${lines.join('\n')}\n`);
    const sentinel = await startRedis({ port: await freePort(), settings, args: ['--sentinel'] });
    started.push(sentinel);
    const knowsReplica = async (): Promise<boolean> => ((await sentinel.cli('SENTINEL', 'REPLICAS', 'mymaster')) as unknown[]).length === 1;
    await waitFor(knowsReplica, { deadlineMs: 15_000, everyMs: 100, what: 'Sentinel knows the replica' });
    return { url: `redis+sentinel://127.0.0.1:${sentinel.port}/mymaster`, master, replica, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
