import type { FastifyReply, FastifyRequest } from 'fastify';
import { RunnelError } from '@runnel/protocol';
import type { GatewayContext } from '../../context.ts';
import type { Identity } from '../../auth/identity.ts';

/** Whether a caller may see everybody's trail: by the token's scope or role, or by name, and never by a key. Nobody is by default, in dev mode too. */
export const isAdmin = (
  { userId, admin, role, source }: Pick<Identity, 'userId' | 'admin' | 'role' | 'source'>,
  { adminUsers }: GatewayContext['config'],
): boolean => source !== 'key' && (admin === true || role === 'admin' || adminUsers.includes(userId));

/** The calling admin's user id. Throws `unauthorized`, or `forbidden` for everybody else. */
export const adminOf = async ({ auth, config }: GatewayContext, request: FastifyRequest, reply: FastifyReply): Promise<string> => {
  const identity = await auth.require(request, reply);
  if (!isAdmin(identity, config)) throw new RunnelError('forbidden', 'This needs the admin scope.');
  return identity.userId;
};

/** The same for who only reads: an auditor may, too. */
export const readerOf = async ({ auth, config }: GatewayContext, request: FastifyRequest, reply: FastifyReply): Promise<string> => {
  const identity = await auth.require(request, reply);
  if (!isAdmin(identity, config) && identity.role !== 'auditor') throw new RunnelError('forbidden', 'This needs the admin scope.');
  return identity.userId;
};
