import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Auth } from '../../auth/auth.ts';
import { isApiKey } from '../../auth/grants/api-key.ts';
import type { Caller } from '../../commands/commands.ts';
import { callerOf, traceOf } from '../../http/plumbing/caller.ts';

const digest = (text: string, length: number): string => createHash('sha256').update(text).digest('hex').slice(0, length);

/** The guest that a key names where no token is asked for. */
export const guestOfKey = (key: string): string => `key-${digest(key, 24)}`;

/**
 * Who calls. Clients of other protocols always send a key: where no token is asked for (dev), it names a guest, so that a second call finds
 * the first one's conversation. Whatever cookies come along, as from a browser, say nothing then: the key stands before them, as a token does.
 */
export const openAiCaller = async (auth: Auth, request: FastifyRequest, reply: FastifyReply): Promise<Caller> => {
  const key = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const { user_id: named } = request.query as { user_id?: unknown };
  const namesGuest = key !== undefined && named === undefined && !isApiKey(key);
  if (auth.mode !== 'dev' || !namesGuest) return callerOf(auth, request, reply);
  return { userId: guestOfKey(key), ...traceOf(request) };
};
