import type { KeptGrant } from '@runnel/protocol/http';
import type { Grant, GrantListener, StoreGrants } from '../../grants.ts';
import { LIMITS } from '../../limits.ts';
import type { MemoryStore } from '../store.ts';

type Held = Omit<KeptGrant, 'userId'>;

const shown = ({ grantId, data, createdAt, usedAt, expiresAt }: Held): Grant => ({ grantId, data, createdAt, usedAt, expiresAt });

/** Where grants outlive the process: digests and times, no secret. */
export interface KeptGrants {
  /** What an earlier process left. */
  readonly left: readonly KeptGrant[];
  /** Nobody is told that something was made or ended before this is done. `all` is read then: what comes together is kept together. */
  keep(all: () => readonly KeptGrant[]): Promise<void>;
}

/** What the grant scripts do, in memory. */
export const createMemoryGrants = (store: Pick<MemoryStore, 'now'>, kept?: KeptGrants): StoreGrants => {
  const people = new Map<string, Map<string, Held>>();
  const homes = new Map<string, { userId: string; grantId: string }>();
  const listeners = new Set<GrantListener>();

  const lapsed = ({ expiresAt, idleMs, usedAt }: Held): boolean =>
    (expiresAt !== null && expiresAt <= store.now()) || (idleMs > 0 && usedAt + idleMs <= store.now());

  const remove = (userId: string, held: Held): void => {
    homes.delete(held.digest);
    const own = people.get(userId);
    own?.delete(held.grantId);
    if (own?.size === 0) people.delete(userId);
  };
  const standing = (userId: string): Held[] => {
    const all = [...(people.get(userId)?.values() ?? [])];
    for (const held of all) if (lapsed(held)) remove(userId, held);
    return all.filter((held) => !lapsed(held));
  };
  const put = (userId: string, held: Held): void => {
    people.set(userId, (people.get(userId) ?? new Map<string, Held>()).set(held.grantId, held));
    homes.set(held.digest, { userId, grantId: held.grantId });
  };
  const all = (): KeptGrant[] =>
    [...people].flatMap(([userId, own]) => [...own.values()].filter((held) => !lapsed(held)).map((held) => ({ userId, ...held })));
  const keep = async (): Promise<void> => kept?.keep(all);
  for (const { userId, ...held } of kept?.left ?? []) if (!lapsed(held)) put(userId, held);
  const tell = (grantId: string): void => {
    for (const listener of listeners) listener.ended(grantId);
  };
  const byAge = (a: Grant, b: Grant): number => a.createdAt - b.createdAt || a.grantId.localeCompare(b.grantId);

  return {
    async addGrant({ userId, kind, grantId, digest, data, lifeMs, idleMs, limit, whenFull }) {
      const same = standing(userId).filter((held) => held.kind === kind && held.grantId !== grantId);
      if (same.length >= limit && whenFull === 'refuse') return { outcome: 'full' };
      const leaving = same.toSorted((a, b) => a.usedAt - b.usedAt || byAge(a, b)).slice(0, Math.max(0, same.length - limit + 1));
      for (const held of leaving) remove(userId, held);
      const now = store.now();
      const held = { grantId, kind, digest, data, createdAt: now, usedAt: now, expiresAt: lifeMs === null ? null : now + lifeMs, idleMs };
      put(userId, held);
      await keep().catch((cause: unknown) => {
        remove(userId, held);
        throw cause;
      });
      for (const gone of leaving) tell(gone.grantId);
      return { outcome: 'added', replaced: leaving.map((gone) => gone.grantId) };
    },
    async useGrant({ kind, digest }) {
      const home = homes.get(digest);
      const held = home && people.get(home.userId)?.get(home.grantId);
      if (!home || !held || held.digest !== digest || held.kind !== kind) return { outcome: 'none' };
      if (lapsed(held)) {
        remove(home.userId, held);
        return { outcome: 'none' };
      }
      const before = held.usedAt;
      held.usedAt = Math.max(before, Math.floor(store.now() / LIMITS.grantUseMs) * LIMITS.grantUseMs, held.createdAt + 1);
      // Once a minute, and nobody waits for it.
      if (held.usedAt !== before) void keep().catch(() => undefined);
      return { outcome: 'valid', userId: home.userId, at: store.now(), ...shown(held) };
    },
    async listGrants({ userId, kind }) {
      return standing(userId)
        .filter((held) => held.kind === kind)
        .toSorted(byAge)
        .map(shown);
    },
    async endGrant({ userId, kind, grantId }) {
      const held = people.get(userId)?.get(grantId);
      const ended = held?.kind === kind;
      if (ended) remove(userId, held);
      tell(grantId);
      if (ended) await keep();
      return ended ? 'ended' : 'none';
    },
    async keepGrant({ userId, grantId, before, data }) {
      const held = people.get(userId)?.get(grantId);
      if (!held) return { outcome: 'none' };
      if (held.data !== before) return { outcome: 'changed' };
      held.data = data;
      await keep();
      return { outcome: 'kept' };
    },
    async endGrantsOf(userId) {
      const gone = [...(people.get(userId)?.values() ?? [])];
      for (const held of gone) remove(userId, held);
      for (const held of gone) tell(held.grantId);
      if (gone.length > 0) await keep();
    },
    async onGrantEnded(listener) {
      listeners.add(listener);
      return { close: async () => void listeners.delete(listener) };
    },
  };
};
