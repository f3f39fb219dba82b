import { RunnelError } from '@runnel/protocol';

/** A place in a list, as text that means nothing to its reader. Parts are numbers and texts. */
export const toCursor = (parts: readonly (string | number)[]): string => Buffer.from(JSON.stringify(parts)).toString('base64url');

/** What each kind of part is in a cursor of ours: any other number or text is one that a database may not take. */
const HOLDS = {
  number: (part: unknown): boolean => Number.isSafeInteger(part),
  string: (part: unknown): boolean => typeof part === 'string' && part.length <= MOST && !part.includes('\0') && part.isWellFormed(),
};
/** Of an id with what a log's id may have added to it. */
const MOST = 200;

/** @throws RunnelError `bad-frame` */
export const fromCursor = (cursor: string, shape: readonly ('string' | 'number')[]): (string | number)[] => {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(parts) && parts.length === shape.length && shape.every((type, i) => HOLDS[type](parts[i])))
      return parts as (string | number)[];
  } catch {
    // Said below.
  }
  throw new RunnelError('bad-frame', 'This cursor is not one of ours.');
};
