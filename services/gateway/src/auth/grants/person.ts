import type { FastifyReply, FastifyRequest } from 'fastify';
import { RunnelError } from '@runnel/protocol';
import type { Auth } from '../auth.ts';

/** The caller, who has to be there as a person: with a session or a token of theirs, not with a key. Throws `forbidden` for a key. */
export const personOf = async (auth: Auth, request: FastifyRequest, reply: FastifyReply): Promise<string> => {
  const { userId, source } = await auth.require(request, reply);
  if (source === 'key') throw new RunnelError('forbidden', 'A key cannot do this; sign in.');
  return userId;
};
