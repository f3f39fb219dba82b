/** How a caller was known: decides whether a foreign page could have caused the request (`cookie`, `guest`). */
export type IdentitySource = 'header' | 'cookie' | 'hello' | 'query' | 'guest';

/** Who a request or a socket speaks for. */
export interface Identity {
  userId: string;
  source: IdentitySource;
  /** When the token ends, ms since the epoch; null: never. */
  expiresAt: number | null;
  /** May see everybody's trail and erase users. */
  admin?: boolean;
}

/** User ids stand in Redis keys and log lines: printable, no spaces, no braces (a brace would move the key's slot). */
const USER_ID = /^[\w.@:|+=/~-]{1,255}$/;

export const isUserId = (value: unknown): value is string => typeof value === 'string' && USER_ID.test(value);
