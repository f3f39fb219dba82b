import { isId, type Cursor } from '@runnel/protocol';

/** Where a reader wants to begin. */
export type Wanted = { kind: 'beginning' } | { kind: 'now' } | { kind: 'after'; cursor: Cursor };

const DIGITS = 16;

/** `<logId>_<offset>`: the offset with all its digits, so that later ones sort behind earlier ones as text. */
export const formatOffset = ({ logId, offset }: Cursor): string => `${logId}_${String(offset).padStart(DIGITS, '0')}`;

/** Absent or `-1`: the beginning; null: no offset of ours. */
export const parseOffset = (text: string | undefined): Wanted | null => {
  if (text === undefined || text === '-1') return { kind: 'beginning' };
  if (text === 'now') return { kind: 'now' };
  const [, logId, digits] = /^(.{1,64})_(\d{16})$/.exec(text) ?? [];
  const offset = Number(digits);
  return isId(logId) && Number.isSafeInteger(offset) ? { kind: 'after', cursor: { logId, offset } } : null;
};
