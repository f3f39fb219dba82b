import type { DataSource, EntityManager } from 'typeorm';
import type { AuditEvent } from '@runnel/events';
import { AuditLog, MessageEntity, Session, type AuditRow } from './database/entities.ts';
import { auditRow, CHAIN_START, changesOf, linkHash, type Change } from './rows.ts';

/** Writes events into the trail and the tables that people read. */
export class AuditStore {
  readonly #database: DataSource;

  constructor(database: DataSource) {
    this.#database = database;
  }

  /**
   * Stores a batch in one transaction. An event that is there already changes nothing (P-9), so a batch may come again.
   * Returns how many were new.
   */
  async write(events: readonly AuditEvent[]): Promise<number> {
    if (events.length === 0) return 0;
    return this.#database.transaction(async (tx) => {
      const rows = new Map(events.map((event) => [event.id, { event, row: auditRow(event) }]));
      const known = await tx.getRepository(AuditLog).find({ select: { eventId: true }, where: [...rows.keys()].map((eventId) => ({ eventId })) });
      for (const { eventId } of known) rows.delete(eventId);
      const fresh = [...rows.values()];
      if (fresh.length === 0) return 0;
      // Another pod may have stored one since we looked: the unique id decides.
      await tx.createQueryBuilder().insert().into(AuditLog).values(fresh.map((f) => f.row)).orIgnore().execute();
      for (const { event } of fresh) for (const change of changesOf(event)) await this.#apply(tx, change);
      for (const logId of new Set(fresh.map((f) => f.row.logId))) await this.#link(tx, logId);
      return fresh.length;
    });
  }

  async #apply(tx: EntityManager, change: Change): Promise<void> {
    switch (change.kind) {
      case 'session':
        await tx.getRepository(Session).upsert(change.row, ['conversationId']);
        return;
      case 'title':
        await tx.getRepository(Session).update({ conversationId: change.conversationId }, { title: change.title, updatedAt: change.at });
        return;
      case 'message': {
        const { conversationId, messageId, createdAt } = change.row;
        const place = await tx.getRepository(MessageEntity).findOneBy({ conversationId, messageId });
        // A deletion that came first (two topics, no order between them) stands.
        if (place?.status === 'deleted') return;
        await tx.getRepository(MessageEntity).upsert(change.row, ['conversationId', 'messageId']);
        await tx.getRepository(Session).update({ conversationId }, { updatedAt: createdAt });
        return;
      }
      case 'message-deleted':
        await tx.getRepository(MessageEntity).update({ conversationId: change.conversationId, messageId: change.messageId }, { text: '', status: 'deleted' });
        return;
      case 'session-deleted':
        await tx.getRepository(MessageEntity).delete({ conversationId: change.conversationId });
        await tx.getRepository(Session).update({ conversationId: change.conversationId }, { deletedAt: change.at, title: '' });
        return;
      default:
        change satisfies never;
    }
  }

  /** Goes on with the chain of a log as far as its events are here without a hole. */
  async #link(tx: EntityManager, logId: string): Promise<void> {
    const trail = tx.getRepository(AuditLog);
    const rows = await trail.createQueryBuilder('a').where('a.logId = :logId AND a.sequence IS NOT NULL AND a.hash IS NULL', { logId }).orderBy('a.sequence').getMany();
    const last = await trail.createQueryBuilder('a').where('a.logId = :logId AND a.hash IS NOT NULL', { logId }).orderBy('a.sequence', 'DESC').limit(1).getOne();
    let link: Pick<AuditRow, 'sequence' | 'hash'> = last ?? { sequence: 0, hash: CHAIN_START };
    for (const row of rows) {
      if (row.sequence !== (link.sequence ?? 0) + 1) return;
      const hash = linkHash(link.hash!, row);
      await trail.update({ eventId: row.eventId }, { previousHash: link.hash, hash });
      link = { sequence: row.sequence, hash };
    }
  }
}
