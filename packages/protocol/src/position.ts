import type { Cursor } from './frames.ts';
import { sha256 } from './sha256.ts';

const encoder = new TextEncoder();

/** Length of a text in UTF-8 bytes, without encoding it. A lone surrogate counts as U+FFFD, as encoders write it. */
export const utf8Length = (text: string): number => {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit < 0xdc00 && text.charCodeAt(i + 1) >= 0xdc00 && text.charCodeAt(i + 1) < 0xe000) {
      bytes += 4;
      i++;
    } else bytes += 3;
  }
  return bytes;
};

/**
 * Splits off a trailing high surrogate whose other half has not come yet, so that no chunk ends inside a character:
 * providers cut their deltas anywhere.
 */
export const splitIncomplete = (text: string): { whole: string; rest: string } => {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last < 0xdc00 ? { whole: text.slice(0, -1), rest: text.slice(-1) } : { whole: text, rest: '' };
};

/** Lower-case hex SHA-256 of a text in UTF-8, by Web Crypto where there is one (browsers offer it only over TLS). */
export const sha256Hex = async (text: string): Promise<string> => {
  const bytes = encoder.encode(text);
  const { subtle } = globalThis.crypto as Partial<Pick<typeof globalThis.crypto, 'subtle'>>;
  const digest = subtle ? new Uint8Array(await subtle.digest('SHA-256', bytes)) : sha256(bytes);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
};

/** `logId:offset`, the form a cursor has in an SSE `id:` and in `?cursor=`. */
export const formatCursor = (cursor: Cursor): string => `${cursor.logId}:${cursor.offset}`;

/** Reads `logId:offset`; null for anything else. */
export const parseCursor = (text: string | null | undefined): Cursor | null => {
  const match = /^([A-Za-z0-9_-]{1,64}):(\d{1,15})$/.exec(text ?? '');
  return match ? { logId: match[1]!, offset: Number(match[2]) } : null;
};
