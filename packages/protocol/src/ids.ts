/** Conversations, messages and runs share one id form: 1–64 of `[A-Za-z0-9_-]`, so that any id may stand in a key, a URL or a log line as it is. */
export const ID_PATTERN = '^[A-Za-z0-9_-]{1,64}$';

const ID = new RegExp(ID_PATTERN);

export const isId = (value: unknown): value is string => typeof value === 'string' && ID.test(value);

/**
 * A new random id (122 bits), safe to make on a client: it is what makes a repeated command recognisable.
 * Not `crypto.randomUUID`, which browsers offer only over TLS.
 */
export const newId = (): string => {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};

/** Conversations of an API's callers that are in no list: each request makes one. */
export const UNLISTED = 'api__';

export const isListed = (conversationId: string): boolean => !conversationId.startsWith(UNLISTED);
