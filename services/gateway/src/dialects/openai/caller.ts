import { createHash, createHmac } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RunnelError, isId, newId } from '@runnel/protocol';
import type { Auth } from '../../auth/auth.ts';
import { isApiKey } from '../../auth/grants/api-key.ts';
import type { Caller } from '../../commands/commands.ts';
import { callerOf, traceOf } from '../../http/plumbing/caller.ts';

const digest = (text: string, length: number): string => createHash('sha256').update(text).digest('hex').slice(0, length);

const single = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

/**
 * Who calls. OpenAI's clients always send an API key and keep no cookies: where no token is asked for (dev), a key names a
 * guest, so that a second call finds the first one's conversation.
 */
export const openAiCaller = async (auth: Auth, request: FastifyRequest, reply: FastifyReply): Promise<Caller> => {
  const key = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const { user_id: named } = request.query as { user_id?: unknown };
  const keyAlone = key !== undefined && named === undefined && request.headers.cookie === undefined;
  if (auth.mode !== 'dev' || !keyAlone || isApiKey(key)) return callerOf(auth, request, reply);
  return { userId: `key-${digest(key, 24)}`, ...traceOf(request) };
};

export interface CompletionIds {
  conversationId: string;
  messageId: string;
  runId: string;
}

/**
 * The conversation that `x-runnel-conversation` names, or a new one, and new ids in it. With an `Idempotency-Key` they are the same
 * for the same caller and key, so that a retry joins the run of the first try (W-4) on any gateway. They are keyed with a secret that
 * all gateways share: who knows a person's name and key must not be able to tell the ids, for an id is all it takes to ask for it.
 */
export const completionIds = async (
  headers: FastifyRequest['headers'],
  userId: string,
  secret: () => Promise<string>,
): Promise<CompletionIds> => {
  const conversation = single(headers['x-runnel-conversation']);
  if (conversation !== undefined && !isId(conversation)) throw new RunnelError('bad-frame', 'x-runnel-conversation: not an id.');
  const key = single(headers['idempotency-key']);
  if (key === undefined) return { conversationId: conversation ?? newId(), messageId: newId(), runId: newId() };
  const shared = await secret();
  const id = (use: string): string =>
    createHmac('sha256', shared)
      .update(JSON.stringify([use, userId, key]))
      .digest('hex')
      .slice(0, 32);
  return { conversationId: conversation ?? id('conversation'), messageId: id('message'), runId: id('run') };
};
