import { Type } from 'typebox';
import { ForkAnswer } from '@runnel/protocol/http';
import { RunnelError } from '@runnel/protocol';
import type { AuditHistory } from '../../archive/audit-history.ts';
import { readBranch, type Branch } from '../../archive/branch.ts';
import { findMessage } from '../../archive/find-message.ts';
import { conversationsAmong } from '../../archive/history-source.ts';
import type { GatewayContext } from '../../context.ts';
import { callerOf } from '../plumbing/caller.ts';
import { ConversationParams, Id, PROBLEMS, UserQuery, json, type Routes } from '../plumbing/schemas.ts';

/** `POST /api/conversations/{id}/fork`: goes on from any message, in a conversation of its own. */
export const forkRoutes = (app: Routes, context: GatewayContext, audit: AuditHistory | null): void => {
  const { auth, commands, runLog, budgets, own } = context;

  /** Null: the source is gone, and it was forked before that. */
  const branchOf = async (
    source: { conversationId: string; userId: string; messageId: string },
    target: string,
  ): Promise<Branch | null> => {
    try {
      return await readBranch(runLog, context.audit, source);
    } catch (error) {
      const { userId, messageId } = source;
      const isGone = error instanceof RunnelError && error.code === 'not-found';
      const made = isGone && (await findMessage(runLog, { conversationId: target, userId }, messageId).catch(() => undefined));
      if (made) return null;
      throw error;
    }
  };

  app.post(
    '/api/conversations/:id/fork',
    {
      schema: {
        tags: ['Conversations'],
        operationId: 'forkConversation',
        summary: 'A new conversation of the caller with the messages up to one of this',
        description:
          'Messages keep their ids, times, parts, files, receipts and the caller’s thumbs; texts are not shared, so either may be deleted alone. The text for models and the model of the source go along. 503: this store does not have all of it, and the database cannot be asked. 413: above 500 messages or 4 MiB.',
        params: ConversationParams,
        querystring: Type.Object(UserQuery),
        body: Type.Object({
          messageId: { ...Id, description: 'The last message that goes along; an answer has ended' },
          conversationId: { ...Id, description: 'Of the new conversation, chosen by the caller: repeating the call makes one' },
        }),
        response: { 200: json('What came of it', ForkAnswer), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const caller = await callerOf(auth, request, reply);
      const { userId } = caller;
      const { conversationId, messageId } = request.body;
      const from = { conversationId: request.params.id, messageId };
      if (conversationId === from.conversationId) throw new RunnelError('bad-frame', 'The new conversation needs an id of its own.');
      const branch = await budgets.reading(userId, reply.raw, () => branchOf({ ...from, userId }, conversationId));
      if (branch === null) return { conversationId, outcome: 'duplicate' as const };
      const [known] = await conversationsAmong(runLog, audit, userId, [from.conversationId]).catch(() => []);
      const preset = { ...(known?.system && { system: known.system }), ...(known?.model && { model: known.model }) };
      const made = await commands.fork(caller, { conversationId, from, ...branch, ...preset });
      const ids = branch.messages.map((message) => message.messageId);
      // The fork stands without its reader's thumbs; the metrics of records say that they could not be kept.
      if (made.outcome === 'forked')
        await own.carry({ conversationId: from.conversationId, userId }, conversationId, ids).catch(() => undefined);
      return { conversationId, ...made };
    },
  );
};
