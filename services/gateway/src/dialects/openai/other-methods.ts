import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { notFound, statusError } from '../../http/plumbing/problem.ts';

/** What no route answers: an address that there is, asked by another method (405, with those it knows), or none. */
export const missing = (app: FastifyInstance): ((request: FastifyRequest, reply: FastifyReply) => Error) => {
  const known = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = known.get(url) ?? new Set();
    for (const one of [method].flat()) methods.add(one);
    known.set(url, methods);
  });
  return ({ url }, reply) => {
    const parts = url.split('?', 1)[0]!.split('/');
    const fits = (pattern: string): boolean => {
      const wanted = pattern.split('/');
      return wanted.length === parts.length && wanted.every((part, at) => part === parts[at] || (part.startsWith(':') && parts[at] !== ''));
    };
    const methods = [...known].filter(([pattern]) => fits(pattern)).flatMap(([, of]) => [...of]);
    if (methods.length === 0) return notFound();
    reply.header('allow', [...new Set(methods)].toSorted().join(', '));
    return statusError(405);
  };
};
