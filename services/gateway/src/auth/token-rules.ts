import type { JWTPayload } from 'jose';
import { RunnelError } from '@runnel/protocol';

const CLOCK_TOLERANCE_SECONDS = 5;
/** Random hex of 32 digits has 14 different ones on average, and fewer than eight once in a billion times. */
const LEAST_CHARACTERS = 8;
/** Something typed again and again until it was long enough. */
const SHORTEST_PATTERN = 16;

/** Whether a shared secret is one: not a letter held down, nor a word repeated. Pure. */
export const isGuessable = (secret: string): boolean => {
  if (new Set(secret).size < LEAST_CHARACTERS) return true;
  for (let length = 1; length < SHORTEST_PATTERN; length++)
    if (
      secret ===
      secret
        .slice(0, length)
        .repeat(Math.ceil(secret.length / length))
        .slice(0, secret.length)
    )
      return true;
  return false;
};

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** Whether a token tells of a log-out. It is signed by the same keys as one that says who somebody is. Pure. */
export const isLogoutToken = ({ events }: JWTPayload): boolean =>
  typeof events === 'object' && events !== null && Object.hasOwn(events, LOGOUT_EVENT);

/**
 * A token that lives longer than anybody would notice its theft is refused. `iat` may be missing: then what is left counts.
 *
 * @throws RunnelError `unauthorized`
 */
export const checkLife = ({ iat, exp }: JWTPayload, maxAgeMs: number, nowMs: number): void => {
  const now = nowMs / 1000;
  const life = exp! - Math.min(iat ?? now, now);
  if (!(life <= maxAgeMs / 1000 + CLOCK_TOLERANCE_SECONDS)) throw new RunnelError('unauthorized', 'This token is valid for too long.');
};
