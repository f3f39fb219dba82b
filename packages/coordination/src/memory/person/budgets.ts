import type { StoreBudgets } from '../../budgets.ts';
import { LIMITS, PLACE_MS } from '../../limits.ts';
import type { MemoryStore } from '../store.ts';
import { checkIds } from '../../messages.ts';
import type { RunRef } from '../../run-ref.ts';

const memberOf = ({ conversationId, runId }: RunRef): string => `${conversationId}:${runId}`;

/** What the budget scripts do, in memory. People who hold nothing are forgotten; what was spent is, with the day. */
export const createMemoryBudgets = (store: MemoryStore): StoreBudgets => {
  const places = new Map<string, Map<string, { run: RunRef; at: number }>>();
  const shares = new Map<string, Map<string, { kind: string; holder: string; count: number; at: number }>>();
  const holders = new Map<string, number>();
  const modelPlaces = new Map<string, Map<string, number>>();
  let spent = { day: -1, bytes: new Map<string, number>() };

  const placesOf = (userId: string, drop: readonly RunRef[]): Map<string, { run: RunRef; at: number }> => {
    const own = places.get(userId) ?? new Map<string, { run: RunRef; at: number }>();
    for (const run of drop) own.delete(memberOf(run));
    for (const [member, { at }] of own) if (at <= store.now() - PLACE_MS) own.delete(member);
    if (own.size === 0) places.delete(userId);
    return own;
  };

  return {
    async reserveRun({ userId, conversationId, runId, limit, drop = [] }) {
      checkIds(conversationId, runId);
      const run = { conversationId, runId };
      const own = placesOf(userId, drop);
      if (own.has(memberOf(run))) return { outcome: 'kept' };
      if (own.size >= limit) {
        return { outcome: 'full', held: [...own.values()].map((held) => ({ ...held.run, ageMs: store.now() - held.at })) };
      }
      own.set(memberOf(run), { run, at: store.now() });
      places.set(userId, own);
      return { outcome: 'reserved' };
    },
    async freeRuns(userId, runs) {
      placesOf(userId, runs);
    },
    async findRun({ conversationId, userId, messageId, runId }) {
      checkIds(conversationId, runId);
      const conversation = store.conversations.get(conversationId);
      if (!conversation) return { outcome: 'none' };
      if (conversation.userId !== userId) return { outcome: 'forbidden' };
      const seen = (messageId !== null && conversation.ids.get(messageId)) || conversation.ids.get(runId);
      if (!seen) return { outcome: 'none' };
      return { outcome: conversation.active === seen.runId ? 'running' : 'ended', ...seen };
    },
    async spendBytes(userId, bytes, limit) {
      const day = Math.floor(store.now() / LIMITS.dayMs);
      if (spent.day !== day) spent = { day, bytes: new Map() };
      const before = spent.bytes.get(userId);
      if (limit === 0 && before === undefined) return { outcome: 'spent', total: 0 };
      const total = Math.max(0, (before ?? 0) + bytes);
      if (limit > 0 && bytes > 0 && total > limit) return { outcome: 'over', retryAfterMs: (day + 1) * LIMITS.dayMs - store.now() };
      spent.bytes.set(userId, total);
      return { outcome: 'spent', total };
    },
    async holdShare({ userId, kind, holder, wanted, limit, holders: alive }) {
      const own = shares.get(userId) ?? new Map<string, { kind: string; holder: string; count: number; at: number }>();
      let others = 0;
      for (const [name, share] of own) {
        if (share.holder === holder) continue;
        if (!alive.includes(share.holder) && store.now() - share.at > LIMITS.newHolderMs) own.delete(name);
        else if (share.kind === kind) others += share.count;
      }
      const granted = Math.min(wanted, Math.max(0, limit - others));
      const name = `${kind}|${holder}`;
      if (granted > 0) own.set(name, { kind, holder, count: granted, at: store.now() });
      else own.delete(name);
      if (own.size > 0) shares.set(userId, own);
      else shares.delete(userId);
      return granted;
    },
    async forgetPerson(userId) {
      for (const kept of [places, shares, spent.bytes]) kept.delete(userId);
    },
    async keepPlaces({ model, limit, leaseMs, take, drop }) {
      for (const { conversationId, runId } of [...take, ...drop]) checkIds(conversationId, runId);
      const own = modelPlaces.get(model) ?? new Map<string, number>();
      for (const run of drop) own.delete(memberOf(run));
      for (const [member, until] of own) if (until <= store.now()) own.delete(member);
      const kept = new Set<string>();
      for (const member of take.map(memberOf)) {
        if (!own.has(member) && own.size >= limit) continue;
        own.set(member, store.now() + leaseMs);
        kept.add(member);
      }
      modelPlaces.set(model, own);
      return kept;
    },
    async noteHolder(holder, leaseMs) {
      holders.set(holder, store.now() + leaseMs);
      for (const [name, until] of holders) if (until <= store.now()) holders.delete(name);
      return [...holders.keys()];
    },
  };
};
