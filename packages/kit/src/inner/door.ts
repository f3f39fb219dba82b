import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Metrics } from '../metrics.ts';
import type { InnerToken } from './token.ts';

/** Why a call between services was refused. `browser`: a page sent it. `not-ready`: this process does not know the token yet. */
export const INNER_REFUSALS = ['browser', 'no-token', 'wrong-token', 'not-ready'] as const;
export type InnerRefusal = (typeof INNER_REFUSALS)[number];

const STATUS: Readonly<Record<InnerRefusal, number>> = { browser: 403, 'no-token': 401, 'wrong-token': 401, 'not-ready': 503 };
const MESSAGE: Readonly<Record<InnerRefusal, string>> = {
  browser: 'Pages are not served here.',
  'no-token': 'This is for services of this installation: Authorization: Bearer <INTERNAL_TOKEN>.',
  'wrong-token': 'This is not the token of this installation.',
  'not-ready': 'The token of this installation is not known yet.',
};

/** A hook for what only our own services may ask. */
export type InnerDoor = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** Digests have one length, so comparing them tells neither where two differ nor how long the right one is. */
const same = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Who comes from a page. Browsers set both headers and no page can leave them out; a navigation has only the second. */
const fromPage = (headers: IncomingHttpHeaders): boolean =>
  headers.origin !== undefined || (headers['sec-fetch-site'] !== undefined && headers['sec-fetch-site'] !== 'none');

const bearer = ({ authorization }: IncomingHttpHeaders): string | undefined => /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];

/** Undefined: may come in. Pure. */
export const refusalOf = (headers: IncomingHttpHeaders, token: string | undefined): InnerRefusal | undefined => {
  if (fromPage(headers)) return 'browser';
  const shown = bearer(headers);
  if (shown === undefined) return 'no-token';
  if (token === undefined) return 'not-ready';
  return same(shown, token) ? undefined : 'wrong-token';
};

/** The door of a service's inner interface: asks for the token, also on loopback, and is never open. */
export const createInnerDoor = (token: InnerToken, metrics: Metrics): InnerDoor => {
  const refused = metrics.counter('runnel_inner_refused_total', 'Calls between services that were refused, by reason', ['reason']);
  for (const reason of INNER_REFUSALS) refused.inc({ reason }, 0);
  return async ({ headers }, reply) => {
    let refusal = refusalOf(headers, token.current());
    if (refusal === 'wrong-token' || refusal === 'not-ready') {
      await token.renew();
      refusal = refusalOf(headers, token.current());
    }
    if (refusal === undefined) return;
    refused.inc({ reason: refusal });
    await refuse(reply, refusal);
  };
};

/** Where no door was given: calls within the process come in, and nothing that came over a network does. */
export const inProcessOnly: InnerDoor = async (request, reply) => {
  if (request.raw.socket instanceof Socket) await refuse(reply, 'no-token');
};

const refuse = async (reply: FastifyReply, refusal: InnerRefusal): Promise<void> => {
  const code = refusal === 'not-ready' ? 'unavailable' : refusal === 'browser' ? 'forbidden' : 'unauthorized';
  await reply.code(STATUS[refusal]).send({ code, message: MESSAGE[refusal], retryable: code === 'unavailable' });
};

/**
 * The other side: shows the token, and when it is refused looks whether there is a new one and asks once more.
 *
 * @throws Error while no token is known
 */
export const callInner = async <A extends { status: number }>(
  token: InnerToken,
  send: (headers: { authorization: string }) => Promise<A>,
): Promise<A> => {
  if (token.current() === undefined) await token.renew();
  const shown = token.current();
  if (shown === undefined) throw new Error('the token between the services is not known yet');
  const answer = await send({ authorization: `Bearer ${shown}` });
  if (answer.status !== 401) return answer;
  await token.renew();
  const renewed = token.current();
  return renewed === undefined || renewed === shown ? answer : send({ authorization: `Bearer ${renewed}` });
};
