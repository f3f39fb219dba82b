import type { FastifyRequest } from 'fastify';
import { toRunnelError } from '@runnel/protocol';
import type { Auth } from './auth.ts';

/** The same answers, each told by its outcome: `ok`, `nobody`, or the code of the refusal. What it counts is a word, never a name. */
export const withCount = (auth: Auth, seen: (outcome: string) => void): Auth => {
  const counted = async <T>(asked: Promise<T>, isNobody: (answer: T) => boolean): Promise<T> => {
    try {
      const answer = await asked;
      seen(isNobody(answer) ? 'nobody' : 'ok');
      return answer;
    } catch (error) {
      seen(toRunnelError(error).code);
      throw error;
    }
  };
  // Asked before a request's body is read and again by its route: one caller.
  const known = new WeakSet<FastifyRequest>();
  return {
    mode: auth.mode,
    verify: (token) => counted(auth.verify(token), () => false),
    identify: (request) => counted(auth.identify(request), ({ identity }) => identity === null),
    require(request, reply) {
      const asked = auth.require(request, reply);
      if (known.has(request)) return asked;
      known.add(request);
      return counted(asked, () => false);
    },
  };
};
