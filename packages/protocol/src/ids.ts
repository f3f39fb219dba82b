/** Conversations, messages and runs share one id form: 1–64 of `[A-Za-z0-9_-]`, so that any id may stand in a key, a URL or a log line as it is. */
export const ID_PATTERN = '^[A-Za-z0-9_-]{1,64}$';

const ID = new RegExp(ID_PATTERN);

export const isId = (value: unknown): value is string => typeof value === 'string' && ID.test(value);

/** A new random id (122 bits), safe to make on a client: it is what makes a repeated command recognisable. */
export const newId = (): string => globalThis.crypto.randomUUID();
