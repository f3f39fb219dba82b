export type TokenSource = () => string | Promise<string>;

/** The bearer token, asked for once per connection and kept for the HTTP calls in between. */
export interface Credentials {
  /** The token at hand, or a new one when there is none yet. Undefined: this client has no token. */
  get(): Promise<string | undefined>;
  /** A fresh token; calls that ask meanwhile share it. */
  refresh(): Promise<string | undefined>;
}

export const createCredentials = (source?: TokenSource): Credentials => {
  let token: string | undefined;
  let refreshing: Promise<string | undefined> | null = null;
  const refresh = (): Promise<string | undefined> => {
    refreshing ??= (async () => {
      try {
        return (token = await source?.());
      } finally {
        refreshing = null;
      }
    })();
    return refreshing;
  };
  return { refresh, get: async () => token ?? refresh() };
};
