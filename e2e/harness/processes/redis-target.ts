import { startRedis, startRedisCluster, type TestRedis } from '@runnel/coordination/testing';

/** The Redis of a test cluster: one server, or a Redis Cluster behind the same few words. */
export type Redis = Omit<TestRedis, 'kill'> &
  Partial<Pick<TestRedis, 'kill'>> & {
    /** The servers it is made of. */
    nodes: readonly TestRedis[];
  };

export const startOneRedis = async (args: readonly string[]): Promise<Redis> => {
  const redis = await startRedis({ args });
  return Object.assign(redis, { nodes: [redis] });
};

/** Three masters. What is asked is asked of all of them; answers are joined. */
export const startManyRedis = async (): Promise<Redis> => {
  const { nodes, url, stop } = await startRedisCluster(3);
  return {
    url,
    nodes,
    port: nodes[0]!.port,
    pid: nodes[0]!.pid,
    stop,
    pause: () => nodes.forEach((node) => node.pause()),
    resume: () => nodes.forEach((node) => node.resume()),
    restartEmpty: () => Promise.reject(new Error('a Redis Cluster is not restarted empty here')),
    cli: async (...words) => (await Promise.all(nodes.map((node) => node.cli(...words)))).join(''),
  };
};
