import type { Static } from 'typebox';
import type { Grant, StoreGrants } from '@runnel/coordination';
import { newId, RunnelError } from '@runnel/protocol';
import { ApiKeyData, parseBody, type ApiKey, type ApiKeyMade, type NewApiKey } from '@runnel/protocol/http';
import { digestOf, isWhole, newApiKey, prefixOf } from './api-key.ts';
import type { Identity } from '../identity.ts';
import type { LiveGrants } from './live-grants.ts';

export const KEY_CHECKS = ['valid', 'unknown', 'malformed', 'unavailable'] as const;
export type KeyCheck = (typeof KEY_CHECKS)[number];

/** Keys for programs. What they let in is the person who made them, within the key's scopes, and never an admin. */
export interface ApiKeys {
  /** @throws RunnelError `unauthorized`, `unavailable` */
  identify(key: string): Promise<Identity>;
  /** @throws RunnelError `rate-limited` (limit `keys`) when the person has as many as they may, `bad-frame`, `unavailable` */
  make(userId: string, wanted: NewApiKey): Promise<ApiKeyMade>;
  list(userId: string): Promise<ApiKey[]>;
  /** @throws RunnelError `not-found` */
  end(userId: string, id: string): Promise<void>;
  readonly limit: number;
}

export interface ApiKeysDeps {
  store: StoreGrants;
  live: Pick<LiveGrants, 'watch'>;
  limit: number;
  /** The person has as many as they may. */
  refused: () => RunnelError;
  checked?: (outcome: KeyCheck) => void;
  now?: () => number;
}

const dataOf = (data: string): Static<typeof ApiKeyData> => parseBody(ApiKeyData, JSON.parse(data));

const shown = ({ grantId, data, createdAt, usedAt, expiresAt }: Grant): ApiKey => {
  const { name, prefix, scopes } = dataOf(data);
  return { id: grantId, name, prefix, scopes, createdAt, usedAt: usedAt === createdAt ? null : usedAt, expiresAt };
};

export const createApiKeys = ({ store, live, limit, refused, checked = () => {}, now = Date.now }: ApiKeysDeps): ApiKeys => ({
  limit,
  async identify(key) {
    if (!isWhole(key)) {
      checked('malformed');
      throw new RunnelError('unauthorized', 'This API key is not one, or is not whole.');
    }
    const found = await store.useGrant({ kind: 'key', digest: digestOf(key) }).catch((cause: unknown) => {
      checked('unavailable');
      throw cause;
    });
    if (found.outcome === 'none') {
      checked('unknown');
      throw new RunnelError('unauthorized', 'This API key is not known, or has ended.');
    }
    const { userId, grantId, data, expiresAt } = found;
    checked('valid');
    return {
      userId,
      source: 'key',
      expiresAt,
      // A scope of a later release allows nothing here.
      readOnly: !dataOf(data).scopes.includes('chat'),
      watch: (ended) => live.watch({ kind: 'key', userId, grantId }, ended),
    };
  },
  async make(userId, { name, expiresAt, scopes }) {
    const lifeMs = expiresAt === undefined ? null : expiresAt - now();
    if (lifeMs !== null && lifeMs <= 0) throw new RunnelError('bad-frame', 'expiresAt is over already.');
    const [key, id, createdAt] = [newApiKey(), newId(), now()];
    const data = { name: name.trim(), prefix: prefixOf(key), scopes } satisfies ApiKeyData;
    const grant = { userId, grantId: id, kind: 'key', digest: digestOf(key), data: JSON.stringify(data), lifeMs, idleMs: 0 } as const;
    const { outcome } = await store.addGrant({ ...grant, limit, whenFull: 'refuse' });
    if (outcome === 'full') throw refused();
    return { id, ...data, createdAt, usedAt: null, expiresAt: expiresAt ?? null, key };
  },
  list: async (userId) => (await store.listGrants({ userId, kind: 'key' })).map(shown),
  async end(userId, id) {
    const outcome = await store.endGrant({ userId, kind: 'key', grantId: id });
    if (outcome === 'none') throw new RunnelError('not-found', 'There is no such key.');
  },
});
