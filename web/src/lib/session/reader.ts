/** Who was let in here last, on this device. */
interface Reader {
  userId: string;
  /** When a server last said so: milliseconds, this device's clock. */
  at: number;
  /** By a token that was pasted into one tab, and ends with it. */
  byToken: boolean;
}

const KEY = 'runnel:reader';
/** A device that met no server for so long shows nobody's conversations. */
const LIFE_MS = 7 * 24 * 3_600_000;

/** May throw: a browser forbids storage by forbidding to name it. */
type Place = () => Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
const device: Place = () => localStorage;

const attempt = <T>(use: () => T): T | null => {
  try {
    return use();
  } catch {
    // Storage is forbidden or full, or what stands there is not ours.
    return null;
  }
};

/**
 * Whose conversations may be shown while no server can say who is here; null: nobody's.
 * @param holdsToken whether this tab has an access token: who came by one is not here in another tab
 */
export const readerOf = (holdsToken: boolean, now = Date.now(), place = device): string | null => {
  const reader = attempt(() => JSON.parse(place().getItem(KEY) ?? 'null') as Partial<Reader> | null);
  if (typeof reader?.userId !== 'string' || typeof reader.at !== 'number') return null;
  if (now - reader.at > LIFE_MS || (reader.byToken === true && !holdsToken)) return null;
  return reader.userId;
};

export const rememberReader = (userId: string, byToken: boolean, now = Date.now(), place = device): void =>
  void attempt(() => place().setItem(KEY, JSON.stringify({ userId, at: now, byToken } satisfies Reader)));

export const forgetReader = (place = device): void => void attempt(() => place().removeItem(KEY));
