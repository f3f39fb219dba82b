import { formatCursor } from '@runnel/protocol';
import type { Outgoing } from '../../follow/wire-event.ts';

const END = Buffer.from('\n\n');

/**
 * The `id` of an event is the cursor of a reader that has applied it. What is outside the log has none, so that the last one
 * stands. An empty snapshot (no log) clears it: whoever comes back then must not ask for a log that is gone.
 */
const idLine = (event: Outgoing, logId: string | null): string => {
  const positioned = event.logged || event.type === 'snapshot' || event.type === 'live';
  if (!positioned) return '';
  return logId === null ? 'id\n' : `id: ${formatCursor({ logId, offset: event.offset })}\n`;
};

/** Above this a copy costs more than pieces: of a snapshot of 7 MiB each reader would hold one of its own. */
const COPIED_BYTES = 64 * 1024;

/** One event as `text/event-stream`, in pieces; the JSON goes through as it was published (L-3), it has no line breaks. */
export const sseFrame = (event: Outgoing, logId: string | null): Buffer[] => {
  const pieces = [Buffer.from(`${idLine(event, logId)}event: ${event.type}\ndata: `), event.bytes, END];
  return event.bytes.length <= COPIED_BYTES ? [Buffer.concat(pieces)] : pieces;
};
