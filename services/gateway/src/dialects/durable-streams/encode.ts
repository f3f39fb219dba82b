import type { Cursor } from '@runnel/protocol';
import { formatOffset } from './offset.ts';

/** What one read gave. */
export interface Batch {
  /** Each the JSON of an event as it was published, or of a snapshot. */
  items: readonly Buffer[];
  /** After the last of them. */
  next: Cursor;
}

const COMMA = Buffer.from(',');

/** A JSON array of the items, whose bytes go through as they are (L-3). */
export const arrayOf = (items: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from('['), ...items.flatMap((item, index) => (index === 0 ? [item] : [COMMA, item])), Buffer.from(']')]);

/** A cursor of the protocol is an interval of time that caches may share. It rises, so that no cache answers with an older one for ever. */
const INTERVAL_MS = 20_000;
const SINCE = Date.UTC(2026, 0, 1);

export const streamCursor = (now: number, given: string | undefined): string => {
  const interval = Math.floor((now - SINCE) / INTERVAL_MS);
  const before = /^\d{1,15}$/.test(given ?? '') ? Number(given) : -1;
  return String(before >= interval ? before + 1 : interval);
};

/** The same items have the same tag: where they begin and end says all about them. */
export const etagOf = (from: string, next: Cursor): string => `"${from}:${formatOffset(next)}"`;

/** Items and where they end, as server-sent events. One write, for a client takes items without their end twice. */
export const feedFrame = ({ items, next }: Batch, cursor: string): Buffer => {
  const control = { streamNextOffset: formatOffset(next), streamCursor: cursor, upToDate: true };
  const frame = Buffer.from(`event: control\ndata: ${JSON.stringify(control)}\n\n`);
  if (items.length === 0) return frame;
  return Buffer.concat([Buffer.from('event: data\ndata: '), arrayOf(items), Buffer.from('\n\n'), frame]);
};
