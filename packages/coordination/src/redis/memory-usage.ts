import { Cluster, type Redis } from 'ioredis';
import type { RedisClient } from './client/connect.ts';

/** How full the store is. */
export interface StoreMemory {
  usedBytes: number;
  /** Above it the store refuses every write (`OOM`); 0: no limit of its own. */
  limitBytes: number;
  /** `maxmemory-policy`: all but `noeviction` throw keys away; of a cluster the worst master's. Absent: the store does not tell. */
  policy?: string;
}

const figure = (info: string, name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);

/** Reads what `INFO memory` answers. Pure. */
export const readMemoryInfo = (info: string): StoreMemory => {
  const policy = /^maxmemory_policy:([a-z-]+)/m.exec(info)?.[1];
  return {
    usedBytes: figure(info, 'used_memory'),
    limitBytes: figure(info, 'maxmemory'),
    ...(policy !== undefined && { policy }),
  };
};

/** One master that evicts is enough; one that does not tell leaves it open. Pure. */
export const worstPolicyOf = (nodes: readonly StoreMemory[]): string | undefined => {
  const evicting = nodes.find(({ policy }) => policy !== undefined && policy !== 'noeviction');
  if (evicting) return evicting.policy;
  return nodes.some(({ policy }) => policy === undefined) ? undefined : 'noeviction';
};

const fullness = ({ usedBytes, limitBytes }: StoreMemory): number => (limitBytes > 0 ? usedBytes / limitBytes : 0);

/** The one nearest its limit; among those without one, the one that holds most. Pure. */
export const fullestOf = (nodes: readonly StoreMemory[]): StoreMemory =>
  nodes.reduce((fullest, node) => {
    const nearer = fullness(node) - fullness(fullest);
    return nearer > 0 || (nearer === 0 && node.usedBytes > fullest.usedBytes) ? node : fullest;
  });

/** A cluster is as full as its fullest master: the conversations of that one are refused while the others have room. */
export const askStoreMemory = async (client: RedisClient): Promise<StoreMemory> => {
  const masters: Redis[] = client instanceof Cluster ? client.nodes('master') : [client];
  const nodes = await Promise.all(masters.map(async (master) => readMemoryInfo(await master.info('memory'))));
  const { usedBytes, limitBytes } = fullestOf(nodes);
  const policy = worstPolicyOf(nodes);
  return { usedBytes, limitBytes, ...(policy !== undefined && { policy }) };
};
