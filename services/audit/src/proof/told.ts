import type { AuditEvent, Digest, TrailFields } from '@runnel/protocol/audit';

import type { AuditRow, MessageRow } from '../database/tables.ts';
import { changesOf, type Change } from '../store/rows.ts';

/** A change as the trail tells it: what became of the tables, with digests in the place of texts. */
export interface Told {
  row: AuditRow;
  /** The log it was said in; an event whose place Redis gave twice has a row in a log of its own. */
  logId: string;
  change: Change;
  /** Of the message, or of the title. */
  digest?: Digest | undefined;
  /**
   * Whether a later deletion of the conversation took it. `perhaps`: it happened in the same millisecond in another log, and nothing
   * tells which came first.
   */
  gone: 'yes' | 'no' | 'perhaps';
}

/** `<log>~<place>.<time>`: the log and the place where it was said. */
const OWN_LOG = /^(.+)~(\d+)\.\d+$/;

/** The event that a row was made of, but for its texts. */
const eventOf = (row: AuditRow, data: object): AuditEvent => {
  const own = OWN_LOG.exec(row.logId);
  const event: Omit<AuditEvent, 'type' | 'data'> & { type: string; data: object } = {
    ...{ specversion: '1.0', source: '/runnel', datacontenttype: 'application/json', dataversion: 1 },
    id: own ? `${own[1]}:a${own[2]}` : row.eventId,
    type: row.type,
    subject: row.conversationId,
    time: new Date(row.time).toISOString(),
    data,
  };
  // It was parsed when it was stored; what was changed since is told by its link.
  return event as AuditEvent;
};

const digestOf = (change: Change, data: TrailFields): Digest | undefined => {
  if (change.kind === 'message') return data.message?.text ?? data.text;
  return change.kind === 'session' || change.kind === 'title' || change.kind === 'restored' ? data.title : undefined;
};

/** What the rows of one conversation's trail say that happened to the tables. A row that cannot be read says nothing. Pure. */
export const toldBy = (rows: readonly AuditRow[]): Told[] => {
  const told = rows.flatMap((row): Told[] => {
    try {
      const data = JSON.parse(row.data) as TrailFields;
      const logId = OWN_LOG.exec(row.logId)?.[1] ?? row.logId;
      return changesOf(eventOf(row, data)).map((change) => ({ row, logId, change, digest: digestOf(change, data), gone: 'no' }));
    } catch {
      // Its link tells that it was changed.
      return [];
    }
  });
  const deletions = told.filter(({ change }) => change.kind === 'session-deleted');
  for (const entry of told) entry.gone = isGone(entry, deletions);
  return told;
};

const isGone = (entry: Told, deletions: readonly Told[]): Told['gone'] => {
  const others = deletions.filter((deletion) => deletion !== entry);
  if (others.some(({ row }) => entry.row.time < row.time)) return 'yes';
  // Of two deletions in one millisecond the tables remember the log of either.
  if (others.some(({ row, logId }) => row.time === entry.row.time && logId !== entry.logId)) return 'perhaps';
  return others.some(({ logId }) => logId === entry.logId) ? 'yes' : 'no';
};

/** A message as an event told it. `text` is the digest's. */
export interface ToldMessage {
  told: Told;
  row: MessageRow;
  digest: Digest | undefined;
}

/** Every message that an event made, also those of a log that was written again. Pure. */
export const messagesOf = (told: readonly Told[]): ToldMessage[] =>
  told.flatMap((entry): ToldMessage[] => {
    const { change } = entry;
    if (change.kind === 'message') return [{ told: entry, row: change.row, digest: entry.digest }];
    // `withoutTexts` left the digest where the text was.
    return change.kind === 'restored'
      ? change.rows.map((row) => ({ told: entry, row, digest: row.text as unknown as Digest | undefined }))
      : [];
  });
