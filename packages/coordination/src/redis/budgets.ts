import type { HeldRun, StoreBudgets } from '../budgets.ts';
import { PLACE_MS } from '../limits.ts';
import { shardOf, type KeyParts } from './keys.ts';
import { checkIds } from '../messages.ts';
import type { RedisCaller } from './client/caller.ts';
import type { Reply } from './replies.ts';
import type { RunRef } from '../run-ref.ts';
import type { ScriptArgs } from './args/script-args.ts';
import type { ScriptName, ScriptRunner } from './scripts.ts';

const memberOf = ({ conversationId, runId }: RunRef): string => `${conversationId}:${runId}`;

/** `member, age, member, age, …`; ids hold no colon. */
const heldOf = (flat: readonly string[]): HeldRun[] => {
  const held: HeldRun[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const [conversationId = '', runId = ''] = flat[i]!.split(':');
    held.push({ conversationId, runId, ageMs: Number(flat[i + 1]) });
  }
  return held;
};

/** A person's keys have a slot of their own, apart from those of any conversation. */
const personOf = (userId: string, conversationId = '', runId = ''): KeyParts => ({ shard: 0, conversationId, runId, userId });

export const createRedisBudgets = (scripts: ScriptRunner, caller: RedisCaller): StoreBudgets => {
  const run = async <N extends ScriptName>(name: N, parts: KeyParts, args: ScriptArgs[N]): Promise<Reply> =>
    (await caller.call(
      name,
      () => scripts.run(name, parts, args),
      (reply) => String((reply as Reply)[0]),
    )) as Reply;

  return {
    async reserveRun({ userId, conversationId, runId, limit, drop = [] }) {
      checkIds(conversationId, runId);
      const args = { limit, leaseMs: PLACE_MS, drop: JSON.stringify(drop.map(memberOf)) };
      const [outcome, held] = await run('reserve-run', personOf(userId, conversationId, runId), args);
      if (outcome === 'full') return { outcome, held: heldOf(held as unknown as string[]) };
      return { outcome: outcome as 'reserved' | 'kept' };
    },
    async freeRuns(userId, runs) {
      await run('reserve-run', personOf(userId), { limit: 0, leaseMs: PLACE_MS, drop: JSON.stringify(runs.map(memberOf)) });
    },
    async findRun({ conversationId, userId, messageId, runId }) {
      checkIds(conversationId, runId);
      const parts = { shard: shardOf(conversationId), conversationId, runId };
      const [outcome, made, offset] = await run('find-run', parts, { userId, messageId: messageId ?? '' });
      if (outcome === 'running' || outcome === 'ended') return { outcome, runId: String(made), offset: Number(offset) };
      return { outcome: outcome as 'none' | 'forbidden' };
    },
    async spendBytes(userId, bytes, limit) {
      const [outcome, value] = await run('spend-bytes', personOf(userId), { bytes, limit });
      return outcome === 'over' ? { outcome, retryAfterMs: Number(value) } : { outcome: 'spent', total: Number(value) };
    },
    async holdShare({ userId, kind, holder, wanted, limit, holders }) {
      const args = { kind, holder, wanted, limit, holders: JSON.stringify(holders) };
      const [, granted] = await run('hold-share', personOf(userId), args);
      return Number(granted);
    },
    async forgetPerson(userId) {
      await run('forget-person', personOf(userId), {});
    },
    async keepPlaces({ model, limit, leaseMs, take, drop }) {
      for (const { conversationId, runId } of [...take, ...drop]) checkIds(conversationId, runId);
      const args = { limit, leaseMs, take: JSON.stringify(take.map(memberOf)), drop: JSON.stringify(drop.map(memberOf)) };
      const [, kept] = await run('keep-places', { ...personOf(''), name: model }, args);
      return new Set(kept as unknown as string[]);
    },
    async noteHolder(holder, leaseMs) {
      const [, names] = await run('note-holder', personOf(''), { holder, leaseMs });
      return names as unknown as string[];
    },
  };
};
