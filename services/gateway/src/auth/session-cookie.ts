import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { newId, RunnelError } from '@runnel/protocol';

const HOST_PREFIX = '__Host-';
const GUEST_SECONDS = 30 * 24 * 3600;
/** A guest of 0.1.0: its id was made by chance, so whoever knows it was given it. It is signed with the next answer. */
const OLD_GUEST = /^guest-[0-9A-Za-z_-]{20,40}$/;
const SIGNED_GUEST = /^(guest-[0-9A-Za-z_-]{20,40})\.([0-9A-Za-z_-]{43})$/;

/**
 * Names under which the cookie is believed. A browser takes `__Host-` only from the host itself over TLS, so a sister domain cannot
 * plant it; without TLS no browser takes it at all, and the plain name stands in.
 */
const cookieNames = (name: string, secure: boolean): string[] =>
  name.startsWith(HOST_PREFIX) && !secure ? [name, name.slice(HOST_PREFIX.length)] : [name];

/** Characters of the state in the name of its cookie: enough for the few that one browser begins within ten minutes. */
const STATE_SHOWN = 8;

/**
 * The cookie of a sign-in that has begun. Named after the session's: installations behind one host get each other's cookies, since `__Host-` takes
 * no path, and must not end each other's sign-ins. Named after its state: two tabs that sign in at once must not, either. Pure.
 */
export const signInCookie = (sessionName: string, state: string): string => signInStart(sessionName) + state.slice(0, STATE_SHOWN);

const signInStart = (sessionName: string): string => {
  const plain = sessionName.startsWith(HOST_PREFIX) ? sessionName.slice(HOST_PREFIX.length) : sessionName;
  return `${HOST_PREFIX}${plain === 'runnel_session' ? 'runnel_sign_in' : `${plain}.sign_in`}.`;
};

/** The cookies of sign-ins that this browser has begun and not come back from, by the names that `signInCookie` gives. Pure. */
export const begunSignIns = ({ headers, protocol }: Pick<FastifyRequest, 'headers' | 'protocol'>, sessionName: string): string[] => {
  const start = signInStart(sessionName);
  const sent = cookieNames(start, protocol === 'https').at(-1)!;
  const names = (headers.cookie ?? '').split(';').map((part) => part.trim().split('=', 1)[0]!);
  return [...new Set(names.filter((name) => name.startsWith(sent)))].map((name) => start + name.slice(sent.length));
};

/** Every value of a name, in the order that was sent. Pure. */
const cookieValues = (header: string | undefined, name: string): string[] =>
  (header ?? '')
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part.startsWith(`${name}=`))
    .map((part) => part.slice(name.length + 1).replace(/^"(.*)"$/, '$1'));

/**
 * The session cookie of a request.
 *
 * @throws RunnelError `unauthorized` for two of one name: one of them was planted, and nobody can tell which
 */
export const sessionCookie = ({ headers, protocol }: Pick<FastifyRequest, 'headers' | 'protocol'>, name: string): string | undefined => {
  for (const candidate of cookieNames(name, protocol === 'https')) {
    const values = cookieValues(headers.cookie, candidate);
    if (values.length > 1) throw new RunnelError('unauthorized', `There are two cookies named ${candidate}.`);
    if (values[0] !== undefined) return values[0];
  }
  return undefined;
};

interface CookieLife {
  /** Over TLS: the name with `__Host-`, and `Secure`. */
  secure: boolean;
  seconds: number;
}

/** A `Set-Cookie` value that only the host itself gets back, and no script reads. */
export const makeCookie = (name: string, value: string, { secure, seconds }: CookieLife): string =>
  `${cookieNames(name, secure).at(-1)!}=${value}; Path=/; Max-Age=${Math.floor(seconds)}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;

export const clearCookie = (name: string, { secure }: Pick<CookieLife, 'secure'>): string => makeCookie(name, '', { secure, seconds: 0 });

const sign = (userId: string, key: string): string => createHmac('sha256', key).update(`guest:${userId}`).digest('base64url');

export interface Guests {
  /** Whom a cookie names; null: nobody whom this installation made. `old`: it should be signed now. */
  read(cookie: string | undefined): { userId: string; old: boolean } | null;
  create(): string;
  setCookie(userId: string, request: FastifyRequest, name: string): string;
}

/** Guests of dev mode. Their cookie is signed: otherwise writing somebody's name into it would be enough to be them. */
export const createGuests = (key: () => string): Guests => ({
  read(cookie = '') {
    const [, userId, signature] = SIGNED_GUEST.exec(cookie) ?? [];
    if (userId === undefined) return OLD_GUEST.test(cookie) ? { userId: cookie, old: true } : null;
    return timingSafeEqual(Buffer.from(signature!), Buffer.from(sign(userId, key()))) ? { userId, old: false } : null;
  },
  create: () => `guest-${newId()}`,
  setCookie(userId, { protocol }, name) {
    const secure = protocol === 'https';
    return makeCookie(name, `${userId}.${sign(userId, key())}`, { secure, seconds: GUEST_SECONDS });
  },
});
