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
 * Who calls. OpenAI's clients always send an API key and keep no cookies: where no token is asked for (dev), a key names a
 * guest, so that a second call finds the first one's conversation.
 */
export const openAiCaller = async (auth: Auth, request: FastifyRequest, reply: FastifyReply): Promise<Caller> => {
  const key = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const { user_id: named } = request.query as { user_id?: unknown };
  const keyAlone = key !== undefined && named === undefined && request.headers.cookie === undefined;
  if (auth.mode !== 'dev' || !keyAlone || isApiKey(key)) return callerOf(auth, request, reply);
  return { userId: guestOfKey(key), ...traceOf(request) };
};
