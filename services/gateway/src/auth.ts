import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Identity } from './identity.ts';

export interface Auth {
  readonly mode: 'dev' | 'jwt';
  /** A token from `hello` or a header; rejects with `unauthorized` or `token-expired`. */
  verify(token: string): Promise<Omit<Identity, 'source'>>;
  /**
   * Who an upgrade request speaks for, by its headers, cookie and query alone; null: `hello` must bring a token.
   * Rejects with `unauthorized` when an `Authorization` header is present and bad.
   * In dev mode a guest without a cookie gets one: `setCookie` is the `Set-Cookie` value for the answer.
   */
  identify(request: FastifyRequest): Promise<{ identity: Identity | null; setCookie?: string }>;
  /** The same for plain HTTP: sets the guest cookie on the reply and rejects with `unauthorized` when nobody is known. */
  require(request: FastifyRequest, reply: FastifyReply): Promise<Identity>;
}
