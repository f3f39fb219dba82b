import type { ConnectionState, ConversationView } from '@runnel/client';

export type BadgeTone = 'flow' | 'wait' | 'dry' | 'proof';

/** What the badge says: a message key under `connection.` with its values. */
export interface Badge {
  tone: BadgeTone;
  key: string;
  values: Record<string, number>;
}

/** Good news is shown this long, then the badge is quiet again (ms). */
export const NEWS_MS = 6_000;
/** Of two pieces of good news the resume comes first, for this long (ms): it explains where the words came from. */
const FIRST_NEWS_MS = 3_000;

export interface BadgeInput {
  connection: ConnectionState;
  lastResume: ConversationView['lastResume'];
  /** When `lastResume` came, and when the last answer was proved, by this device's clock; 0: not on this page. */
  resumedAt: number;
  provedAt: number;
  now: number;
}

const badge = (tone: BadgeTone, key: string, values: Record<string, number> = {}): Badge => ({ tone, key, values });

/** What is true of the connection now, in the order of what a reader needs to know first. */
export const badgeOf = ({ connection, lastResume, resumedAt, provedAt, now }: BadgeInput): Badge => {
  switch (connection.status) {
    case 'connecting':
      return badge('wait', 'connecting');
    case 'offline':
      return badge('dry', 'offline');
    case 'refused':
      return badge('dry', 'refused');
    case 'draining':
      return badge('wait', 'draining');
    case 'reconnecting': {
      const seconds = connection.retryAt === null ? 0 : Math.ceil((connection.retryAt - now) / 1000);
      return seconds > 0 ? badge('wait', 'reconnectingIn', { seconds }) : badge('wait', 'reconnecting');
    }
    case 'live': {
      const fresh = (at: number): boolean => at > 0 && now - at < NEWS_MS;
      const resumed = lastResume !== null && fresh(resumedAt);
      if (fresh(provedAt) && !(resumed && now - resumedAt < FIRST_NEWS_MS)) return badge('proof', 'verified');
      if (!resumed) return badge('flow', 'live');
      const { kind, events, ms } = lastResume;
      return kind === 'tail' ? badge('flow', 'resumed', { events, ms }) : badge('flow', 'restored', { ms });
    }
    default:
      connection.status satisfies never;
      return badge('dry', 'offline');
  }
};
