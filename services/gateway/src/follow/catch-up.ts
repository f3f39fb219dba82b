import { mergeLive, readPrefix, type RunSnapshot } from '@runnel/protocol';
import { bytesOf, type ReadState } from '@runnel/coordination';
import { logged, position, type Outgoing } from './wire-event.ts';

/**
 * What one read of the store, joined with what arrived live since it began, gives every follower that waited for it.
 * `live` comes after `readTo` without a hole; `gap`: there was one, `live` is empty and the log must be read again.
 */
interface Joined {
  live: Outgoing[];
  gap: boolean;
  /** Offset after everything in the view. */
  offset: number;
}
export type View =
  | { kind: 'forbidden' }
  | ({ kind: 'none'; logId: null; snapshot: Outgoing; marker: Outgoing } & Joined)
  | ({ kind: 'tail'; logId: string; readTo: number; entries: Outgoing[]; marker: Outgoing } & Joined)
  | ({
      kind: 'snapshot';
      logId: string;
      readTo: number;
      snapshot: Outgoing;
      marker: Outgoing;
      running: boolean;
      unwritten: string | null;
      behind: boolean;
    } & Joined);

/** More than any read takes at the fastest model; beyond it the reader reads again. */
export const MAX_LIVE_HELD = 4096;

const join = (logId: string | null, readTo: number, live: readonly Outgoing[]): Joined => {
  // Drop live events of another incarnation of the log: they do not follow what was read.
  const own = live.filter((event) => logId === null || event.logId === null || event.logId === logId);
  if (own.length >= MAX_LIVE_HELD) return { live: [], gap: true, offset: readTo };
  const merged = mergeLive(readTo, own);
  return merged.kind === 'gap' ? { live: [], gap: true, offset: readTo } : { live: merged.events, gap: false, offset: merged.offset };
};

const marker = (conversationId: string, logId: string | null, offset: number): Outgoing =>
  position({ type: 'live', conversationId, logId, offset });

const snapshot = (
  conversationId: string,
  state: {
    logId: string | null;
    offset: number;
    title: string;
    messages: never[] | SnapshotMessages;
    run: RunSnapshot | null;
    hasMore: boolean;
  },
): Outgoing => {
  const { logId, offset, title, messages, run, hasMore } = state;
  const frame = position({ type: 'snapshot', conversationId, logId, offset, title, messages: [], run, hasMore });
  return messages.length === 0 ? frame : { ...frame, bytes: withMessages(frame.bytes, messages) };
};
/** Puts messages into a snapshot without any, as the JSON they were read as. What stands before them is encoded, so the mark is theirs alone. */
const withMessages = (empty: Buffer, messages: SnapshotMessages): Buffer => {
  const at = empty.indexOf(NO_MESSAGES) + NO_MESSAGES.length - 1;
  const listed = messages.flatMap((message, index) => (index === 0 ? [bytesOf(message)] : [COMMA, bytesOf(message)]));
  return Buffer.concat([empty.subarray(0, at), ...listed, empty.subarray(at)]);
};
const COMMA = Buffer.from(',');
const NO_MESSAGES = '"messages":[]';
type SnapshotMessages = Extract<ReadState, { kind: 'snapshot' }>['messages'];

/** Joins a read with the live events held since before it was asked for (W-7). Pure; bytes are made once for all followers. */
export const viewOf = (conversationId: string, read: ReadState, live: readonly Outgoing[]): View => {
  switch (read.kind) {
    case 'forbidden':
      return { kind: 'forbidden' };
    case 'none':
      return {
        kind: 'none',
        logId: null,
        snapshot: snapshot(conversationId, { logId: null, offset: 0, title: '', messages: [], run: null, hasMore: false }),
        marker: marker(conversationId, null, 0),
        ...join(null, 0, live),
      };
    case 'tail':
      return {
        kind: 'tail',
        logId: read.logId,
        readTo: read.offset,
        entries: read.entries.map((entry) =>
          logged(readPrefix(entry.json)?.type ?? '', conversationId, entry.offset, read.logId, Buffer.from(entry.json)),
        ),
        marker: marker(conversationId, read.logId, read.offset),
        ...join(read.logId, read.offset, live),
      };
    case 'snapshot':
      return {
        kind: 'snapshot',
        logId: read.logId,
        readTo: read.offset,
        snapshot: snapshot(conversationId, read),
        marker: marker(conversationId, read.logId, read.offset),
        running: read.run !== null && read.run.waiting === undefined,
        unwritten: read.run?.text === '' && read.run.parts === undefined ? read.run.runId : null,
        behind: read.behind === true,
        ...join(read.logId, read.offset, live),
      };
    default:
      return read satisfies never;
  }
};
