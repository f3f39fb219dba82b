import { isMessage } from '../../messages.ts';
import type { StoredMessage } from '../../run-log/run-log.ts';

/** Below this a message is parsed like anything else. */
export const LARGE_MESSAGE_BYTES = 64 * 1024;

/** The bytes that large messages were read as, as long as they live. */
const storedBytes = new WeakMap<StoredMessage, Buffer>();

const BEGIN = Buffer.from('"text":"');
const BACKSLASH = 0x5c;

const isEscaped = (json: Buffer, quote: number): boolean => {
  let at = quote;
  while (json[at - 1] === BACKSLASH) at--;
  return (quote - at) % 2 === 1;
};

/** Where the text's value ends. A quote inside a string is escaped, so only the one that ends the text has `,"` or `}` behind it. */
const endOfText = (json: Buffer, from: number): number => {
  for (const mark of ['","', '"}']) {
    let at = json.indexOf(mark, from, 'latin1');
    while (at >= 0 && isEscaped(json, at)) at = json.indexOf(mark, at + 1, 'latin1');
    if (at >= 0) return at;
  }
  return -1;
};

/**
 * A large message whose text stays the bytes it was read as until somebody looks at it: nearly all are handed on as they are, and to
 * decode, parse and encode 8 MiB holds up everybody else of a node for longer than a chunk may take. Null for what is no message.
 */
export const readLargeMessage = (json: Buffer): StoredMessage | null => {
  const begin = json.indexOf(BEGIN) + BEGIN.length;
  const end = begin < BEGIN.length ? -1 : endOfText(json, begin);
  if (end < 0) return null;
  try {
    const head: unknown = JSON.parse(Buffer.concat([json.subarray(0, begin), json.subarray(end)]).toString());
    if (!isMessage(head)) return null;
    const text = (): string => JSON.parse(json.toString('utf8', begin - 1, end + 1)) as string;
    const message = Object.defineProperty(head, 'text', { enumerable: true, configurable: true, get: text });
    storedBytes.set(message, json);
    return message;
  } catch {
    return null;
  }
};

/** A message as JSON, in UTF-8: as the store has it where it is large. */
export const bytesOf = (message: StoredMessage): Buffer => storedBytes.get(message) ?? Buffer.from(JSON.stringify(message));
/** About how large it is, without a look at a large text. */
export const sizeOf = (message: StoredMessage): number => storedBytes.get(message)?.length ?? message.text.length;
