import { RunnelError } from '@runnel/protocol';
import type { Clock } from '../clock.ts';

/** Undefined: there is no token now, and a cookie or a proxy may speak for the caller. */
export type TokenSource = () => string | undefined | Promise<string | undefined>;

/** The bearer token, asked for once per connection and kept for the HTTP calls in between. */
export interface Credentials {
  /** The token at hand, or what the source has when there is none yet. Undefined: this client has no token. */
  get(): Promise<string | undefined>;
  /** A fresh token; calls that ask meanwhile share it. */
  refresh(): Promise<string | undefined>;
}

/** A source that hangs must not be waited for by every later try as well. */
const TOKEN_DEADLINE_MS = 9_000;

export const createCredentials = (clock: Clock, source?: TokenSource): Credentials => {
  const ask = async (): Promise<string | undefined> => {
    let cancel = (): void => undefined;
    const late = new Promise<never>((_, reject) => {
      cancel = clock.after(TOKEN_DEADLINE_MS, () => reject(new RunnelError('unauthorized', 'No token came in time.')));
    });
    try {
      return await Promise.race([source?.(), late]);
    } finally {
      cancel();
    }
  };
  let token: string | undefined;
  let refreshing: Promise<string | undefined> | null = null;
  const refresh = (): Promise<string | undefined> => {
    refreshing ??= (async () => {
      try {
        return (token = await ask());
      } finally {
        refreshing = null;
      }
    })();
    return refreshing;
  };
  return { refresh, get: async () => token ?? refresh() };
};
