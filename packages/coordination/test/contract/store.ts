import { expect, test } from 'vitest';
import type { Current } from './world.ts';

const MIB = 1024 * 1024;

export const storeContract = (current: Current): void => {
  test('how full the store is: what it holds and its limit, or null where it has no memory of its own', async () => {
    const { log, limitMemory } = current();
    if (limitMemory === undefined) return expect(await log.storeMemory()).toBeNull();
    await limitMemory(64 * MIB);
    try {
      const memory = await log.storeMemory();
      expect(memory).toEqual({ usedBytes: expect.any(Number), limitBytes: 64 * MIB, policy: 'noeviction' });
      expect(memory!.usedBytes).toBeGreaterThan(0.5 * MIB);
      expect(memory!.usedBytes).toBeLessThan(64 * MIB);
      // A store that refuses writes says so.
      await limitMemory(1);
      expect(await log.storeMemory()).toMatchObject({ limitBytes: 1 });
    } finally {
      await limitMemory(0);
    }
    expect(await log.storeMemory()).toMatchObject({ limitBytes: 0 });
  });
};
