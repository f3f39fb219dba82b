import { Cluster, type Redis } from 'ioredis';
import type { RedisClient } from './connect.ts';

/** How full the store is. */
export interface StoreMemory {
  usedBytes: number;
  /** Above it the store refuses every write (`OOM`); 0: no limit of its own. */
  limitBytes: number;
}

const figure = (info: string, name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);

/** Reads what `INFO memory` answers. Pure. */
export const readMemoryInfo = (info: string): StoreMemory => ({
  usedBytes: figure(info, 'used_memory'),
  limitBytes: figure(info, 'maxmemory'),
});

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
  return fullestOf(await Promise.all(masters.map(async (master) => readMemoryInfo(await master.info('memory')))));
};
