import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { Static } from 'typebox';
import type { UseGrantResult, StoreGrants } from '@runnel/coordination';
import { fullJitter } from '@runnel/kit';
import { isTransient, newId } from '@runnel/protocol';
import { parseBody, SessionData, type SessionInfo } from '@runnel/protocol/http';
import { digestOf } from '../grants/api-key.ts';
import type { LiveGrants } from '../grants/live-grants.ts';
import { isUserId, type Identity, type Membership } from '../identity.ts';
import { Refused, type LoggedOut, type Provider, type Signed } from './provider.ts';
import { groupsLost, groupsOf, roleOf, type Role, type RoleRules } from '../roles.ts';
import { seal, unseal } from './seal.ts';

/** A person with more has forgotten most of them: the one not used for longest makes way. */
const MOST_SESSIONS = 50;
/** Names of a provider's sessions: some are of sessions that have ended, and go by themselves. */
const MOST_SIDS = 100;
/** One gateway renews; the others leave it alone for so long: longer than its three calls to the provider and its tries to keep the answer. */
const RENEWING_MS = 30_000;
/** After the provider could not be reached. */
const RETRY_MS = 30_000;
/** The provider is asked no more often, however short its tokens live. */
const LEAST_FRESH_MS = 60_000;
const KEEP_TRIES = 6;

export type Renewal = 'renewed' | 'ended' | 'unavailable';
export const RENEWALS = ['renewed', 'ended', 'unavailable'] as const satisfies Renewal[];

export type Session = Identity & { sessionId: string };

export interface Begun {
  secret: string;
  userId: string;
  sessionId: string;
  role: Role;
  /** Groups that the provider knows and did not tell. */
  lost: ReturnType<typeof groupsLost>;
}

/** Sessions of browsers that signed in. The cookie is a secret without meaning; everything else is in the store, and ends there. */
export interface Sessions {
  /** @throws Refused for who may not come in; RunnelError `unavailable` */
  begin(signed: Signed, device: string): Promise<Begun>;
  /** Null: it has ended, or never was. @throws RunnelError `unavailable` */
  find(secret: string): Promise<Session | null>;
  list(userId: string): Promise<Omit<SessionInfo, 'current'>[]>;
  end(userId: string, sessionId: string): Promise<'ended' | 'none'>;
  /** Of a logout token. Resolves to the sessions that ended, and whose they were. */
  endOf(logout: LoggedOut): Promise<{ userId: string; sessionId: string }[]>;
  /** The ID token that the provider gave for a session, which it wants to see at sign-out. */
  idTokenOf(secret: string): Promise<string | undefined>;
}

export interface SessionsDeps {
  store: StoreGrants;
  live: Pick<LiveGrants, 'watch'>;
  provider: Pick<Provider, 'renew'>;
  rules: RoleRules;
  idleMs: number;
  maxMs: number;
  renewal?: (outcome: Renewal, userId: string, sessionId: string) => void;
  /** A session that a socket lives of is looked at so often: it counts as used, and is renewed where the provider's tokens have ended. */
  checkMs: number;
  now?: () => number;
}

interface Tokens {
  idToken: string;
  refreshToken?: string;
}
type Data = Static<typeof SessionData>;
type Found = Extract<UseGrantResult, { outcome: 'valid' }>;

const dataOf = (text: string): Data => parseBody(SessionData, JSON.parse(text));

/** What the provider gave anew is worth more than the store's bad moment: the token before it is spent. Shorter, in all, than the lock. */
const untilKept = async (keep: () => Promise<unknown>): Promise<void> => {
  for (let attempt = 0; ; attempt++) {
    try {
      return void (await keep());
    } catch (error) {
      if (!isTransient(error) || attempt + 1 >= KEEP_TRIES) throw error;
      await setTimeout(fullJitter({ attempt, baseMs: 100, maxMs: 1_000 }));
    }
  }
};

const isSame = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((word, i) => word === other[i]);

/** A provider's name of its session: whose it is, where a logout token says nothing else. */
const sidGrant = (sid: string) => {
  const digest = digestOf(`sid:${sid}`);
  return { kind: 'sid', digest, grantId: digest.slice(0, 32) } as const;
};

export const createSessions = (deps: SessionsDeps): Sessions => {
  const { store, live, provider, rules, idleMs, maxMs, checkMs, renewal = () => {}, now = Date.now } = deps;
  const renewing = new Map<string, Promise<void>>();
  // An open page is seen several times before it would count as idle.
  const touchMs = idleMs > 0 ? Math.min(checkMs, idleMs / 3) : checkMs;
  const renewAtOf = (freshMs: number | null, refreshToken: string | undefined, at: number): number | null =>
    refreshToken === undefined || freshMs === null ? null : at + Math.max(Math.min(LEAST_FRESH_MS, checkMs), freshMs);

  /** The provider's tokens are sealed with the cookie's secret: the store alone opens nothing. */
  const sealed = (secret: string, tokens: Tokens): string => seal(secret, 'session', JSON.stringify(tokens));
  const tokensOf = (secret: string, data: Data): Tokens | null => {
    const text = unseal(secret, 'session', data.tokens);
    return text === null ? null : (JSON.parse(text) as Tokens);
  };
  const roleFor = (claims: Signed['claims']): Role => {
    const role = roleOf(claims, rules);
    if (role === null) throw new Refused('role');
    return role;
  };

  /** Asks the provider whether it still stands by a session. Never rejects: who is in stays in while it is away. */
  const renew = async (secret: string, userId: string, { grantId, data: before, at }: Found): Promise<void> => {
    const ref = { userId, grantId };
    const { renewing: _, ...data } = dataOf(before);
    const tokens = tokensOf(secret, data);
    if (tokens?.refreshToken === undefined) return;
    const locked = JSON.stringify({ ...data, renewing: at + RENEWING_MS } satisfies Data);
    // Of all gateways one asks: a refresh token that is used twice ends everything at many providers.
    if ((await store.keepGrant({ ...ref, before, data: locked })).outcome !== 'kept') return;
    const keep = (next: Data) => store.keepGrant({ ...ref, before: locked, data: JSON.stringify(next) });
    try {
      const {
        refreshToken = tokens.refreshToken,
        freshMs,
        claims,
        idToken = tokens.idToken,
      } = await provider.renew(tokens.refreshToken, userId);
      const renewed = claims && { role: roleFor(claims), groups: groupsOf(claims, rules) };
      const kept = sealed(secret, { idToken, refreshToken });
      const next = { ...data, ...renewed, tokens: kept, renewAt: renewAtOf(freshMs, refreshToken, at) };
      await untilKept(() => keep(next));
      renewal('renewed', userId, grantId);
    } catch (cause) {
      const isOver = cause instanceof Refused;
      renewal(isOver ? 'ended' : 'unavailable', userId, grantId);
      if (isOver) await store.endGrant({ ...ref, kind: 'session' });
      else await keep({ ...data, renewAt: at + Math.min(RETRY_MS, checkMs) });
    }
  };
  /** Times are the store's: two gateways whose clocks differ would spend one refresh token twice, which ends everything at many providers. */
  const renewOnce = (secret: string, userId: string, grant: Found): void => {
    const { renewAt, renewing: until = 0 } = dataOf(grant.data);
    if (renewAt === null || renewAt > grant.at || until > grant.at || renewing.has(grant.grantId)) return;
    // What the store did not take is tried again with the next request.
    const asking = renew(secret, userId, grant)
      .catch(() => undefined)
      .finally(() => renewing.delete(grant.grantId));
    renewing.set(grant.grantId, asking);
  };

  const find = async (secret: string): Promise<Session | null> => {
    const found = await store.useGrant({ kind: 'session', digest: digestOf(secret) });
    if (found.outcome === 'none') return null;
    const { userId, grantId, expiresAt } = found;
    const { role, groups } = dataOf(found.data);
    renewOnce(secret, userId, found);
    return {
      ...{ userId, sessionId: grantId, source: 'cookie', expiresAt, role: role as Role, groups },
      watch(ended, changed) {
        const unwatch = live.watch({ kind: 'session', userId, grantId }, ended);
        let told = groups;
        const look = async (): Promise<void> => {
          const seen = await find(secret);
          const asked = renewing.get(grantId);
          await asked;
          const now: Membership | null = asked === undefined ? seen : await find(secret);
          if (now?.groups === undefined || isSame(now.groups, told)) return;
          told = [...now.groups];
          changed?.({ groups: told });
        };
        const timer = setInterval(() => void look().catch(() => undefined), touchMs * (0.8 + Math.random() * 0.4));
        timer.unref();
        return () => {
          clearInterval(timer);
          unwatch();
        };
      },
    };
  };

  const personOf = async (sid: string): Promise<string | null> => {
    const { kind, digest } = sidGrant(sid);
    const found = await store.useGrant({ kind, digest });
    return found.outcome === 'valid' ? found.userId : null;
  };

  return {
    find,
    async begin({ claims, idToken, refreshToken, freshMs }, device) {
      const { sub: userId, sid } = claims;
      if (!isUserId(userId)) throw new Refused('subject');
      const role = roleFor(claims);
      const secret = randomBytes(32).toString('base64url');
      const data: Data = {
        ...{ role, groups: groupsOf(claims, rules), device: device.slice(0, 200), renewAt: renewAtOf(freshMs, refreshToken, now()) },
        ...(typeof sid === 'string' && { sid }),
        tokens: sealed(secret, { idToken, ...(refreshToken !== undefined && { refreshToken }) }),
      };
      const sessionId = newId();
      const grant = { userId, grantId: sessionId, kind: 'session', digest: digestOf(secret), data: JSON.stringify(data) } as const;
      if (data.sid !== undefined)
        await store.addGrant({
          userId,
          ...sidGrant(data.sid),
          data: '{}',
          lifeMs: maxMs,
          idleMs: 0,
          limit: MOST_SIDS,
          whenFull: 'replace',
        });
      await store.addGrant({ ...grant, lifeMs: maxMs, idleMs, limit: MOST_SESSIONS, whenFull: 'replace' });
      return { secret, userId, sessionId, role, lost: groupsLost(claims, rules) };
    },
    list: async (userId) =>
      (await store.listGrants({ userId, kind: 'session' })).map(({ grantId, data, createdAt, usedAt, expiresAt }) => {
        const { role, device } = dataOf(data);
        return { id: grantId, device, role, createdAt, usedAt, expiresAt };
      }),
    end: (userId, sessionId) => store.endGrant({ userId, kind: 'session', grantId: sessionId }),
    async endOf({ sub, sid }) {
      const userId = sub ?? (await personOf(sid));
      if (userId === null) return [];
      const all = await store.listGrants({ userId, kind: 'session' });
      const ending = sid === undefined ? all : all.filter(({ data }) => dataOf(data).sid === sid);
      for (const { grantId } of ending) await store.endGrant({ userId, kind: 'session', grantId });
      return ending.map(({ grantId }) => ({ userId, sessionId: grantId }));
    },
    async idTokenOf(secret) {
      const found = await store.useGrant({ kind: 'session', digest: digestOf(secret) });
      return found.outcome === 'none' ? undefined : tokensOf(secret, dataOf(found.data))?.idToken;
    },
  };
};
