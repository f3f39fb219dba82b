import type { DataSource } from 'typeorm';
import type { Message } from '@runnel/protocol';
import { AuditLog, MessageEntity, Session, type AuditRow, type MessageRow } from './database/entities.ts';

export type Page = { kind: 'page'; messages: Message[]; hasMore: boolean } | { kind: 'none' } | { kind: 'forbidden' };

const toMessage = (row: MessageRow): Message => ({
  messageId: row.messageId,
  parentId: row.parentId,
  role: row.role as Message['role'],
  text: row.text,
  status: row.status as Message['status'],
  ...(row.model !== null && { model: row.model }),
  createdAt: row.createdAt,
  ...(row.author !== null && { author: row.author }),
});

/** What gateways and auditors ask. */
export class AuditReader {
  readonly #database: DataSource;

  constructor(database: DataSource) {
    this.#database = database;
  }

  /** A page of messages before a message (newest last). */
  async history(query: { conversationId: string; userId: string; before?: string; limit: number }): Promise<Page> {
    const { conversationId, userId, before, limit } = query;
    const session = await this.#database.getRepository(Session).findOneBy({ conversationId });
    if (!session || session.deletedAt !== null) return { kind: 'none' };
    if (session.userId !== userId) return { kind: 'forbidden' };
    const messages = this.#database.getRepository(MessageEntity);
    const select = messages.createQueryBuilder('m').where('m.conversationId = :conversationId', { conversationId });
    if (before !== undefined) {
      const mark = await messages.findOneBy({ conversationId, messageId: before });
      if (!mark) return { kind: 'none' };
      select.andWhere('m.position < :position', { position: mark.position });
    }
    const rows = await select.orderBy('m.position', 'DESC').limit(limit + 1).getMany();
    return { kind: 'page', messages: rows.slice(0, limit).reverse().map(toMessage), hasMore: rows.length > limit };
  }

  async conversations(query: { userId: string; after?: string; limit: number }): Promise<{ conversations: { conversationId: string; title: string; updatedAt: number }[]; hasMore: boolean }> {
    const { userId, after, limit } = query;
    const sessions = this.#database.getRepository(Session);
    const select = sessions.createQueryBuilder('s').where('s.userId = :userId AND s.deletedAt IS NULL', { userId });
    const mark = after === undefined ? null : await sessions.findOneBy({ conversationId: after, userId });
    if (mark) select.andWhere('(s.updatedAt < :at OR (s.updatedAt = :at AND s.conversationId < :after))', { at: mark.updatedAt, after });
    const rows = await select.orderBy('s.updatedAt', 'DESC').addOrderBy('s.conversationId', 'DESC').limit(limit + 1).getMany();
    const conversations = rows.slice(0, limit).map(({ conversationId, title, updatedAt }) => ({ conversationId, title, updatedAt }));
    return { conversations, hasMore: rows.length > limit };
  }

  /** The trail of a conversation in the order in which it happened. */
  async trail(query: { conversationId: string; afterSequence: number; limit: number }): Promise<AuditRow[]> {
    return this.#database
      .getRepository(AuditLog)
      .createQueryBuilder('a')
      .where('a.conversationId = :conversationId AND a.sequence > :after', { conversationId: query.conversationId, after: query.afterSequence })
      .orderBy('a.time')
      .addOrderBy('a.sequence')
      .limit(query.limit)
      .getMany();
  }
}
