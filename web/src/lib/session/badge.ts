import type { ConnectionState } from '@runnel/client';

export type BadgeTone = 'flow' | 'wait' | 'dry';

/** What the badge says: a message key under `connection.` with its values. */
export interface Badge {
  tone: BadgeTone;
  key: string;
  values: Record<string, number>;
}

const badge = (tone: BadgeTone, key: string, values: Record<string, number> = {}): Badge => ({ tone, key, values });

/** What is true of the connection now, and nothing else: what was caught up stands at its answer. `now`: this device's clock (ms). */
export const badgeOf = (connection: ConnectionState, now: number): Badge => {
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
    case 'live':
      return badge('flow', 'live');
    default:
      connection.status satisfies never;
      return badge('dry', 'offline');
  }
};
