import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Auth } from '../../auth/auth.ts';
import type { Caller } from '../../commands/commands.ts';

/** W3C Trace Context, version 00. */
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

export const traceOf = (request: FastifyRequest): { trace?: string } => {
  const { traceparent } = request.headers;
  return typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? { trace: traceparent } : {};
};

/** When the token of a request ends, for what is sent longer than that; null: never. */
export const tokenEnd = async (auth: Auth, request: FastifyRequest, reply: FastifyReply): Promise<number | null> =>
  auth.mode === 'dev' ? null : (await auth.require(request, reply)).expiresAt;

/** Who gives the command this request is. Throws `unauthorized`. */
export const callerOf = async (auth: Auth, request: FastifyRequest, reply: FastifyReply): Promise<Caller> => {
  const { userId } = await auth.require(request, reply);
  return { userId, ...traceOf(request) };
};
