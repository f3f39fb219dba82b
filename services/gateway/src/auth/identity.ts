import { isPseudonym } from '@runnel/protocol/audit';
import type { Role } from './roles.ts';

/** How a caller was known: decides whether a foreign page could have caused the request (`cookie`, `guest`). */
export type IdentitySource = 'header' | 'cookie' | 'hello' | 'query' | 'guest' | 'key';

/** How long what was let in may stay. */
export interface Life {
  /** When the token, key or session ends, ms since the epoch; null: never. */
  expiresAt: number | null;
  /**
   * Calls `ended`, once, when somebody has ended it before, and `changed` when a provider says something else of the person. Returns the
   * stop. Absent: neither can happen.
   */
  watch?: (ended: () => void, changed?: (now: Membership) => void) => () => void;
}

/** What a provider says of a person besides who they are; an API key says nothing of it. */
export interface Membership {
  groups?: readonly string[];
  scopes?: readonly string[];
}

/** Who a request or a socket speaks for. */
export interface Identity extends Life, Membership {
  userId: string;
  source: IdentitySource;
  /** May change nothing. */
  readOnly?: boolean;
  /** By the claims of a provider; absent: nothing was said. */
  role?: Role;
  /** May see everybody's trail and erase users. */
  admin?: boolean;
}

/** Who asks for something: gives a command, or wants to read. */
export interface Caller extends Membership {
  userId: string;
  /** W3C `traceparent`, kept with the run: who claims it goes on with it, and its events have it. */
  trace?: string;
}

/** User ids stand in Redis keys and log lines: printable, no spaces, no braces (a brace would move the key's slot). An address cannot end in `.` or `..`: who is called so could not be erased. */
const USER_ID = /^(?!\.{1,2}$)[\w.@:|+=/~-]+$/;
/** Characters. */
export const MAX_USER_ID = 255;

/** Nobody may be called what the trail calls somebody: they could not be forgotten, nor be told from who was. */
export const isUserId = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= MAX_USER_ID && USER_ID.test(value) && !isPseudonym(value);

/** Of an identity, what models may ask for. */
export const membershipOf = ({ groups, scopes }: Membership): Membership => ({ ...(groups && { groups }), ...(scopes && { scopes }) });
