import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Auth } from '../auth/auth.ts';
import { isApiKey } from '../auth/grants/api-key.ts';
import type { Caller } from '../auth/identity.ts';
import { callerOf, traceOf } from '../http/plumbing/caller.ts';

const DIALECT = /^\/api\/(streams|ai-sdk|ag-ui)(\/|\?|$)/;
/** Commands with a budget of their own, which knows what a repeated one is (W-4); and to stop is always allowed. */
const COMMAND = /^\/api\/(ai-sdk(\/[^/?]*\/stop)?|ag-ui\/agent\/[^/?]*\/(run|stop\/[^/?]*))(\?|$)/;

/** Whether a path below `/api` is another protocol's. */
export const isDialect = (url: string): boolean => DIALECT.test(url);

export const isDialectCommand = (method: string, url: string): boolean => method === 'POST' && COMMAND.test(url);

const digest = (text: string, length: number): string => createHash('sha256').update(text).digest('hex').slice(0, length);

/** The guest that a key names where no token is asked for. */
export const guestOfKey = (key: string): string => `key-${digest(key, 24)}`;

/**
 * Who calls. Clients of other protocols always send a key: where no token is asked for (dev), it names a guest, so that a second call finds
 * the first one's conversation. Whatever cookies come along, as from a browser, say nothing then: the key stands before them, as a token does.
 */
export const dialectCaller = async (auth: Auth, request: FastifyRequest, reply: FastifyReply): Promise<Caller> => {
  const key = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const { user_id: named } = request.query as { user_id?: unknown };
  const namesGuest = key !== undefined && named === undefined && !isApiKey(key);
  if (auth.mode !== 'dev' || !namesGuest) return callerOf(auth, request, reply);
  return { userId: guestOfKey(key), ...traceOf(request) };
};
