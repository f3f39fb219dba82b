import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Auth } from '../auth/auth.ts';
import type { Caller } from '../commands/commands.ts';
import { openAiCaller } from './openai/caller.ts';

const DIALECT = /^\/api\/(streams|ai-sdk|ag-ui)(\/|\?|$)/;
/** Commands with a budget of their own, which knows what a repeated one is (W-4); and to stop is always allowed. */
const COMMAND = /^\/api\/(ai-sdk(\/[^/?]*\/stop)?|ag-ui\/agent\/[^/?]*\/(run|stop\/[^/?]*))(\?|$)/;

/** Whether a path below `/api` is another protocol's. */
export const isDialect = (url: string): boolean => DIALECT.test(url);

export const isDialectCommand = (method: string, url: string): boolean => method === 'POST' && COMMAND.test(url);

/**
 * Who calls. As everywhere; and where no token is asked for (dev), a Bearer alone names a guest, as under `/v1`: clients of other protocols
 * send a key and keep no cookies.
 */
export const dialectCaller = (auth: Auth, request: FastifyRequest, reply: FastifyReply): Promise<Caller> =>
  openAiCaller(auth, request, reply);
