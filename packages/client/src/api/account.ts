import type { ApiKey, ApiKeyList, ApiKeyMade, NewApiKey, SessionInfo } from '@runnel/protocol/http';
import type { Api } from './api.ts';

export type { ApiKey, ApiKeyList, ApiKeyMade, NewApiKey, SessionInfo };

/** Keys of the caller's programs, and where they are signed in. For people: with a key everything here rejects with `forbidden`. */
export interface Account {
  /** Oldest first. `limit` 0: nobody makes keys here. */
  keys(): Promise<ApiKeyList>;
  /** The key itself is in this answer and never again. Rejects with `rate-limited` for who has as many as they may. */
  makeKey(key: NewApiKey): Promise<ApiKeyMade>;
  /** It is refused everywhere from the next request on; what lives of it closes within a second. */
  endKey(id: string): Promise<void>;
  /** Oldest first. Rejects with `not-found` where the gateway itself signs nobody in. */
  sessions(): Promise<SessionInfo[]>;
  endSession(id: string): Promise<void>;
  /** All but the one of this browser. */
  endOtherSessions(): Promise<void>;
}

export const createAccount = ({ get, call }: Pick<Api, 'get' | 'call'>): Account => {
  const end = async (path: string): Promise<void> => void (await call('DELETE', path, undefined, {}));
  return {
    keys: () => get('/api/keys', { keys: 'array', limit: 'number' }),
    // The one field that is nowhere else; a page counts its bytes.
    makeKey: (key) => call<Pick<ApiKeyMade, 'key'>>('POST', '/api/keys', key, { key: 'string' }) as Promise<ApiKeyMade>,
    endKey: (id) => end(`/api/keys/${encodeURIComponent(id)}`),
    sessions: async () => (await get<{ sessions: SessionInfo[] }>('/api/sessions', { sessions: 'array' })).sessions,
    endSession: (id) => end(`/api/sessions/${encodeURIComponent(id)}`),
    endOtherSessions: () => end('/api/sessions'),
  };
};
