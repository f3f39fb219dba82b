import type { AuditRow } from '../database/tables.ts';

/**
 * Whose a conversation is never changes in the database, not even by its deletion: whoever it belonged to may make it again, nobody
 * else. A store that could not ask (Redis, while this service was away) may have given the id to somebody; what they did in it is put
 * aside whole and never mixed with the owner's rows. Pure.
 *
 * @param owners by conversation, as the database has them; '' and absent: nobody's yet, so the first event says whose it is
 */
export const foreignOf = <R extends Pick<AuditRow, 'conversationId' | 'userId'>>(
  rows: readonly R[],
  owners: ReadonlyMap<string, string>,
): R[] => {
  const known = new Map(owners);
  return rows.filter(({ conversationId, userId }) => {
    if (userId === null) return false;
    const owner = known.get(conversationId) || userId;
    known.set(conversationId, owner);
    return owner !== userId;
  });
};

/** A batch holds events of people in conversations that are not theirs: nothing of it was stored. */
export class ForeignEvents extends Error {
  readonly eventIds: ReadonlySet<string>;

  constructor(eventIds: readonly string[]) {
    super('owner: the conversation belongs to somebody else');
    this.eventIds = new Set(eventIds);
  }
}
