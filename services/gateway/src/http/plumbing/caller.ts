import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Auth } from '../../auth/auth.ts';
import { keyOf } from '../../auth/grants/with-keys.ts';
import { membershipOf, type Caller, type Identity, type Life } from '../../auth/identity.ts';

/** W3C Trace Context, version 00. */
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

export const traceOf = (request: FastifyRequest): { trace?: string } => {
  const { traceparent } = request.headers;
  return typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? { trace: traceparent } : {};
};

/** How long what answers a request may go on. Without a key, nothing ends in dev mode, and asking would make a guest. */
export const lifeOf = async (auth: Auth, request: FastifyRequest, reply: FastifyReply): Promise<Life & Pick<Identity, 'readOnly'>> =>
  auth.mode === 'dev' && keyOf(request) === undefined ? { expiresAt: null } : auth.require(request, reply);

/** Who gives the command this request is. Throws `unauthorized`. */
export const callerOf = async (auth: Auth, request: FastifyRequest, reply: FastifyReply): Promise<Caller> => {
  const identity = await auth.require(request, reply);
  return { userId: identity.userId, ...membershipOf(identity), ...traceOf(request) };
};
