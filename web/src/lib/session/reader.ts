import { storedName } from './base.ts';

/** Who was let in here last, on this device. */
interface Reader {
  userId: string;
  /** When a server last said so: milliseconds, this device's clock. */
  at: number;
  /** By a token that was pasted into one tab, and ends with it. */
  byToken: boolean;
}

const KEY = storedName('runnel:reader');
/** A device that met no server for so long shows nobody's conversations. */
const LIFE_MS = 7 * 24 * 3_600_000;

type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
/** Where the device and where the tab remembers. May throw: a browser forbids storage by forbidding to name it. */
export interface Places {
  device: () => Store;
  tab: () => Store;
}
const PLACES: Places = { device: () => localStorage, tab: () => sessionStorage };

const attempt = <T>(use: () => T): T | null => {
  try {
    return use();
  } catch {
    // Storage is forbidden or full, or what stands there is not ours.
    return null;
  }
};

/**
 * Whose conversations may be shown while no server can say who is here; null: nobody's. Who came by an access token is here only in the tab
 * that holds it (`holdsToken`), and only when that tab's own last one was they: another tab may be somebody else's.
 */
export const readerOf = (holdsToken: boolean, now = Date.now(), places = PLACES): string | null => {
  const reader = attempt(() => JSON.parse(places.device().getItem(KEY) ?? 'null') as Partial<Reader> | null);
  if (typeof reader?.userId !== 'string' || typeof reader.at !== 'number' || now - reader.at > LIFE_MS) return null;
  const isTheirTab = attempt(() => places.tab().getItem(KEY)) === reader.userId;
  return reader.byToken === false || (holdsToken && isTheirTab) ? reader.userId : null;
};

export const rememberReader = (userId: string, byToken: boolean, now = Date.now(), places = PLACES): void => {
  attempt(() => places.tab().setItem(KEY, userId));
  attempt(() => places.device().setItem(KEY, JSON.stringify({ userId, at: now, byToken } satisfies Reader)));
};

export const forgetReader = (places = PLACES): void => {
  attempt(() => places.tab().removeItem(KEY));
  attempt(() => places.device().removeItem(KEY));
};
