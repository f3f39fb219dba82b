import type { Grant, GrantKind, GrantListener, StoreGrants } from '../grants.ts';
import type { MemoryStore } from './store.ts';

const MINUTE_MS = 60_000;

interface Held extends Grant {
  kind: GrantKind;
  digest: string;
  idleMs: number;
}

const shown = ({ grantId, data, createdAt, usedAt, expiresAt }: Held): Grant => ({ grantId, data, createdAt, usedAt, expiresAt });

/** What the grant scripts do, in memory. */
export const createMemoryGrants = (store: Pick<MemoryStore, 'now'>): StoreGrants => {
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
      people.set(userId, (people.get(userId) ?? new Map<string, Held>()).set(grantId, held));
      homes.set(digest, { userId, grantId });
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
      held.usedAt = Math.max(held.usedAt, Math.floor(store.now() / MINUTE_MS) * MINUTE_MS, held.createdAt + 1);
      return { outcome: 'valid', userId: home.userId, ...shown(held) };
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
      return ended ? 'ended' : 'none';
    },
    async keepGrant({ userId, grantId, before, data }) {
      const held = people.get(userId)?.get(grantId);
      if (!held) return { outcome: 'none' };
      if (held.data !== before) return { outcome: 'changed' };
      held.data = data;
      return { outcome: 'kept' };
    },
    async endGrantsOf(userId) {
      for (const held of people.get(userId)?.values() ?? []) {
        remove(userId, held);
        tell(held.grantId);
      }
    },
    async onGrantEnded(listener) {
      listeners.add(listener);
      return { close: async () => void listeners.delete(listener) };
    },
  };
};
