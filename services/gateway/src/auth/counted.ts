import type { FastifyRequest } from 'fastify';
import { toRunnelError } from '@runnel/protocol';
import type { Auth } from './auth.ts';

/** The same answers, each told by its outcome: `ok`, `nobody`, or the code of the refusal. What it counts is a word, never a name. */
export const withCount = (auth: Auth, seen: (outcome: string) => void, known?: (request: FastifyRequest, userId: string) => void): Auth => {
  const counted = async <T>(asking: Promise<T>, isNobody: (answer: T) => boolean): Promise<T> => {
    try {
      const answer = await asking;
      seen(isNobody(answer) ? 'nobody' : 'ok');
      return answer;
    } catch (error) {
      seen(toRunnelError(error).code);
      throw error;
    }
  };
  // Asked before a request's body is read and again by its route: one caller.
  const asked = new WeakSet<FastifyRequest>();
  return {
    mode: auth.mode,
    verify: (token) => counted(auth.verify(token), () => false),
    async identify(request) {
      const answer = await counted(auth.identify(request), ({ identity }) => identity === null);
      if (answer.identity !== null) known?.(request, answer.identity.userId);
      return answer;
    },
    async require(request, reply) {
      if (asked.has(request)) return auth.require(request, reply);
      asked.add(request);
      const identity = await counted(auth.require(request, reply), () => false);
      known?.(request, identity.userId);
      return identity;
    },
  };
};
