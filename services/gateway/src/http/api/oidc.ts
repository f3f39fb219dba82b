import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RunnelError, toRunnelError } from '@runnel/protocol';
import type { GatewayContext } from '../../context.ts';
import { CALLBACK_PATH, type Oidc } from '../../auth/oidc/oidc.ts';
import { secretOf } from '../../auth/oidc/oidc-auth.ts';
import { Refused } from '../../auth/oidc/provider.ts';
import { returnTo } from '../../auth/oidc/return-path.ts';
import { FLOW_MS, openFlow, sealFlow, type Flow } from '../../auth/oidc/sign-in-flow.ts';
import { begunSignIns, clearCookie, makeCookie, sessionCookie, signInCookie } from '../../auth/session-cookie.ts';
import { gatewayMetrics, type SignInOutcome } from '../../metrics.ts';
import { recordAct } from './admin-record.ts';

/** A logout token is one; forms of pages are not read anywhere else. */
const LONGEST_LOGOUT = 16 * 1024;
const SECRET = 'sign-in';
/** Sign-ins that one browser has begun and not come back from. */
const MOST_BEGUN = 4;
/** As `random` makes it. */
const STATE = /^[\w-]{43}$/;

const random = (): string => randomBytes(32).toString('base64url');
/** Mozilla/5.0 and so on: what a person may recognise a browser by. */
const deviceOf = ({ headers }: FastifyRequest): string => headers['user-agent'] ?? '';

/** A word or a code: errors of the libraries hold claims, and answers with tokens in them. */
const reasonOf = (err: unknown): string => {
  const { message, cause } = err as { message?: string; cause?: { code?: unknown; error?: unknown } };
  const detail = cause?.error ?? cause?.code;
  return typeof detail === 'string' ? `${message}: ${detail}`.slice(0, 200) : (message ?? 'unknown').slice(0, 200);
};

/** Leaving for the provider, coming back, and both ways out. None of it needs an identity. */
export const oidcRoutes = (app: FastifyInstance, context: GatewayContext & { oidc: Oidc }): void => {
  const { oidc, config, log, runLog } = context;
  const { provider, sessions, publicUrl, secure } = oidc;
  const where = { cookie: config.sessionCookie, secure };
  const { signIns } = gatewayMetrics(context.metrics);
  const asSent = ({ headers }: FastifyRequest) => ({ headers, protocol: secure ? ('https' as const) : ('http' as const) });

  const record = (type: 'SIGNED_IN' | 'SIGNED_OUT', userId: string, about: object): void =>
    // Whoever signs in or out does so whether or not the trail can be told now (P-10).
    void recordAct(context, { type, admin: userId, query: JSON.stringify(about) }).catch((err: unknown) =>
      log.warn({ event: 'session.not-recorded', err }),
    );

  /** Back to the page with a word that says why; a person reads it there. */
  const fail = (reply: FastifyReply, target: URL, outcome: Exclude<SignInOutcome, 'ok'>, err?: unknown): FastifyReply => {
    signIns.inc({ outcome });
    if (err !== undefined) log.warn({ event: 'session.refused', outcome, reason: reasonOf(err) });
    target.searchParams.set('sign_in', outcome);
    return reply.redirect(target.href, 303);
  };
  const outcomeOf = (cause: unknown): Exclude<SignInOutcome, 'ok'> => {
    if (!(cause instanceof Refused)) return toRunnelError(cause).code === 'unavailable' ? 'unavailable' : 'failed';
    return cause.message === 'role' ? 'forbidden' : 'refused';
  };

  app.get<{ Querystring: { return?: unknown } }>('/api/sign-in/start', { schema: { hide: true } }, async (request, reply) => {
    const target = returnTo(request.query.return, publicUrl);
    try {
      const flow: Flow = {
        ...{ state: random(), nonce: random(), verifier: random(), issuer: config.oidcIssuer! },
        ...{ returnTo: target.href.slice(target.origin.length), until: Date.now() + FLOW_MS },
      };
      const url = await provider.startUrl(flow);
      const sealed = sealFlow(await runLog.sharedSecret(SECRET), flow);
      const begun = begunSignIns(asSent(request), config.sessionCookie);
      // Pages of elsewhere can begin as many as they like: cookies that add up are a header that nobody takes any more.
      for (const name of begun.length < MOST_BEGUN ? [] : begun) reply.header('set-cookie', clearCookie(name, { secure }));
      const cookie = signInCookie(config.sessionCookie, flow.state);
      reply.header('set-cookie', makeCookie(cookie, sealed, { secure, seconds: FLOW_MS / 1000 }));
      return reply.redirect(url, 303);
    } catch (cause) {
      return fail(reply, target, outcomeOf(cause), cause);
    }
  });

  app.get<{ Querystring: { state?: unknown } }>(CALLBACK_PATH, { schema: { hide: true } }, async (request, reply) => {
    const { state } = request.query;
    const flowCookie = typeof state === 'string' && STATE.test(state) ? signInCookie(config.sessionCookie, state) : null;
    if (flowCookie !== null) reply.header('set-cookie', clearCookie(flowCookie, { secure }));
    let target = returnTo('/', publicUrl);
    try {
      const sealed = flowCookie === null ? undefined : sessionCookie(asSent(request), flowCookie);
      const flow = openFlow(await runLog.sharedSecret(SECRET), sealed, Date.now());
      // Somebody else's link, a second use, or ten minutes at the password.
      if (flow === null) return fail(reply, target, 'expired');
      target = returnTo(flow.returnTo, publicUrl);
      const callback = new URL(publicUrl + CALLBACK_PATH);
      callback.search = new URL(request.url, publicUrl).search;
      const signed = await provider.finish(callback, flow);
      // A new secret at each sign-in: one that somebody has planted or seen before is nothing afterwards.
      const before = secretOf(request, where);
      const session = await sessions.begin(signed, deviceOf(request));
      const old = before === undefined ? null : await sessions.find(before).catch(() => null);
      if (old) await sessions.end(old.userId, old.sessionId);
      const cookie = makeCookie(config.sessionCookie, session.secret, { secure, seconds: config.sessionMaxMs / 1000 });
      reply.header('set-cookie', cookie);
      signIns.inc({ outcome: 'ok' });
      const { userId, sessionId, lost } = session;
      if (lost !== null) log.warn({ event: 'session.groups-lost', userId, session: sessionId, reason: lost });
      record('SIGNED_IN', session.userId, { session: session.sessionId, role: session.role });
      return reply.redirect(target.href, 303);
    } catch (cause) {
      return fail(reply, target, outcomeOf(cause), cause);
    }
  });

  app.post('/api/sign-out', { schema: { hide: true } }, async (request, reply) => {
    const secret = secretOf(request, where);
    const session = secret === undefined ? null : await sessions.find(secret);
    const idToken = session && (await sessions.idTokenOf(secret!));
    if (session) await sessions.end(session.userId, session.sessionId);
    // Only now: without its cookie a session that still stands could not be ended by a second try.
    reply.header('set-cookie', clearCookie(config.sessionCookie, { secure }));
    if (!session) return { url: null };
    record('SIGNED_OUT', session.userId, { session: session.sessionId, by: 'person' });
    // Without the provider one is signed out here, and stays signed in there.
    const url = await provider.endUrl(idToken ?? undefined, `${publicUrl}/`).catch(() => null);
    return { url };
  });

  void app.register(async (scope) => {
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: LONGEST_LOGOUT },
      (_request, body, done) => done(null, body),
    );
    scope.post('/api/sign-in/back-channel', { bodyLimit: LONGEST_LOGOUT, schema: { hide: true } }, async (request, reply) => {
      const token = typeof request.body === 'string' ? new URLSearchParams(request.body).get('logout_token') : null;
      if (token === null) throw new RunnelError('bad-frame', 'logout_token is missing.');
      const logout = await provider.loggedOut(token).catch((cause: unknown) => {
        if (cause instanceof Refused) throw new RunnelError('bad-frame', 'This is no logout token.', { cause });
        throw cause;
      });
      for (const { userId, sessionId } of await sessions.endOf(logout))
        record('SIGNED_OUT', userId, { session: sessionId, by: 'provider' });
      return reply.code(200).header('cache-control', 'no-store').send();
    });
  });
};
