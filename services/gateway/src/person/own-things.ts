import type { ConversationReader } from '@runnel/coordination';
import { RunnelError } from '@runnel/protocol';
import type { Feedback, Rating } from '@runnel/protocol/http';
import type { AuditHistory } from '../archive/audit-history.ts';
import { findMessage } from '../archive/find-message.ts';
import { readHistory } from '../archive/history-source.ts';
import { feedbackIn, feedbackPatch } from './feedback.ts';
import { MOST_PINNED, placeOf, placePatch, type Place, type PlaceChange } from './places.ts';
import type { Records } from './records.ts';

type Where = { conversationId: string; userId: string };

export interface OwnThings {
  /** @throws RunnelError `not-found`, `forbidden`, `too-long`, `quota`, `rate-limited`, `unavailable` */
  setPlace(where: Where, change: PlaceChange): Promise<Place>;
  /** Of one answer; null takes it away. @throws as `setPlace` */
  rate(where: Where, messageId: string, rating: Rating | null, reason?: string): Promise<void>;
  feedback(where: Where): Promise<Feedback[]>;
  /** What they said of these answers is said in a fork, too. */
  carry(where: Where, fork: string, messageIds: readonly string[]): Promise<void>;
}

export interface OwnThingsDeps {
  records: Records;
  runLog: ConversationReader;
  audit: AuditHistory | null;
  /** Bytes that a person writes in a day. */
  spend(userId: string, bytes: number): Promise<void>;
}

/** What a person says of conversations: only of their own. */
export const createOwnThings = ({ records, runLog, audit, spend }: OwnThingsDeps): OwnThings => {
  const mustBeTheirs = async (where: Where): Promise<void> => {
    const found = await readHistory(runLog, audit, { ...where, limit: 1 });
    if (found.kind !== 'page') throw new RunnelError(found.kind === 'none' ? 'not-found' : 'forbidden');
  };
  const mustBeAnswer = async (where: Where, messageId: string): Promise<void> => {
    await mustBeTheirs(where);
    const found = (await findMessage(runLog, where, messageId)) ?? (await audit?.readMessage({ ...where, messageId }));
    if (!found || found.role !== 'assistant' || found.status === 'deleted') throw new RunnelError('not-found');
  };
  const bytesOf = (patch: object): number => Buffer.byteLength(JSON.stringify(patch));

  return {
    async setPlace(where, change) {
      const patch = placePatch(change);
      await mustBeTheirs(where);
      const { userId, conversationId } = where;
      if (patch['pinned'] === '1') {
        const pinned = (await records.read(userId, 'place')).filter((one) => placeOf(one).pinned && one.name !== conversationId);
        if (pinned.length >= MOST_PINNED) throw new RunnelError('quota', `At most ${MOST_PINNED} are pinned.`);
      }
      await spend(userId, bytesOf(patch));
      return placeOf(await records.put(userId, 'place', conversationId, patch));
    },
    async rate(where, messageId, rating, reason) {
      const patch = feedbackPatch(messageId, rating, reason);
      if (rating === null) await mustBeTheirs(where);
      else await mustBeAnswer(where, messageId);
      await spend(where.userId, bytesOf(patch));
      await records.put(where.userId, 'feedback', where.conversationId, patch);
    },
    async feedback(where) {
      await mustBeTheirs(where);
      return (await records.read(where.userId, 'feedback', [where.conversationId])).flatMap(feedbackIn);
    },
    async carry({ userId, conversationId }, fork, messageIds) {
      const along = new Set(messageIds);
      const [said] = await records.read(userId, 'feedback', [conversationId]);
      const patch = Object.fromEntries(Object.entries(said?.fields ?? {}).filter(([messageId]) => along.has(messageId)));
      if (Object.keys(patch).length === 0) return;
      await spend(userId, bytesOf(patch));
      await records.put(userId, 'feedback', fork, patch);
    },
  };
};
