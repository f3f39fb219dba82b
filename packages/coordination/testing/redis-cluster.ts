import { freePort } from '@runnel/kit/testing';
import { startRedis, type TestRedis } from './redis-process.ts';
import { waitFor } from './wait.ts';

export interface TestRedisCluster {
  url: string;
  nodes: TestRedis[];
  stop(): Promise<void>;
}

const SLOTS = 16_384;

/** A Redis Cluster of masters without replicas; the slots are shared evenly. */
export const startRedisCluster = async (size = 3): Promise<TestRedisCluster> => {
  const nodes: TestRedis[] = [];
  const busPorts: number[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    for (let index = 0; index < size; index++) {
      const busPort = await freePort();
      const own = ['--cluster-config-file', `nodes-${index}.conf`, '--cluster-node-timeout', '2000', '--cluster-port', `${busPort}`];
      nodes.push(await startRedis({ args: ['--cluster-enabled', 'yes', ...own] }));
      busPorts.push(busPort);
    }
    const share = Math.ceil(SLOTS / size);
    for (const [index, node] of nodes.entries()) {
      await node.cli('CLUSTER', 'ADDSLOTSRANGE', index * share, Math.min(SLOTS, (index + 1) * share) - 1);
      await node.cli('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
      if (index > 0) await nodes[0]!.cli('CLUSTER', 'MEET', '127.0.0.1', node.port, busPorts[index]!);
    }
    const agreed = async (node: TestRedis): Promise<boolean> => {
      const info = String(await node.cli('CLUSTER', 'INFO'));
      return (
        info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${size}`) && info.includes(`cluster_slots_ok:${SLOTS}`)
      );
    };
    await waitFor(async () => (await Promise.all(nodes.map(agreed))).every(Boolean), {
      deadlineMs: 20_000,
      everyMs: 100,
      what: 'cluster formed',
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `redis+cluster://${nodes.map((node) => `127.0.0.1:${node.port}`).join(',')}`, nodes, stop };
};
