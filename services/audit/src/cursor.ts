import { RunnelError } from '@runnel/protocol';

/** A place in a list, as text that means nothing to its reader. Parts are numbers and texts. */
export const toCursor = (parts: readonly (string | number)[]): string => Buffer.from(JSON.stringify(parts)).toString('base64url');

/** @throws RunnelError `bad-frame` */
export const fromCursor = (cursor: string, shape: readonly ('string' | 'number')[]): (string | number)[] => {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(parts) && parts.length === shape.length && shape.every((type, i) => typeof parts[i] === type))
      return parts as (string | number)[];
  } catch {
    // Said below.
  }
  throw new RunnelError('bad-frame', 'This cursor is not one of ours.');
};
