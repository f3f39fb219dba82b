import type { PersonRecord } from '@runnel/coordination';
import { RunnelError } from '@runnel/protocol';
import { RECORD_CHARS, type ConversationSummary, type FolderList } from '@runnel/protocol/http';

export type Place = Pick<ConversationSummary, 'pinned' | 'archived' | 'folder'>;
/** As it is asked for: false, null and an empty folder take away. */
export interface PlaceChange {
  pinned?: boolean | null;
  archived?: boolean | null;
  folder?: string | null;
}

/** What is pinned stands before every list. */
export const MOST_PINNED = 100;

/** What the fields of a record mean. Pure. */
export const placeOf = ({ fields }: Pick<PersonRecord, 'fields'>): Place => ({
  ...(fields['pinned'] === '1' && { pinned: true as const }),
  ...(fields['archived'] === '1' && { archived: true as const }),
  ...(fields['folder'] && { folder: fields['folder'] }),
});

/** The folders of these places, by name; what is archived is in none of them. Pure. */
export const foldersIn = (records: readonly Pick<PersonRecord, 'fields'>[]): FolderList['folders'] => {
  const counts = new Map<string, number>();
  for (const { folder, archived } of records.map(placeOf))
    if (folder !== undefined && !archived) counts.set(folder, (counts.get(folder) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({ name, count })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
};

/** A folder's name: one line, not empty. @throws RunnelError `too-long` */
const checkFolder = (folder: string): string | null => {
  const line = folder.replace(/\s+/g, ' ').trim().toWellFormed();
  if ([...line].length > RECORD_CHARS.folder) throw new RunnelError('too-long', `At most ${RECORD_CHARS.folder} characters.`);
  return line === '' ? null : line;
};

/** What a change does to a record. Whoever archives a conversation takes its pin too, and the other way round. Pure. */
export const placePatch = ({ pinned, archived, folder }: PlaceChange): Record<string, string | null> => ({
  ...(archived !== undefined && { archived: archived ? '1' : null }),
  ...(pinned !== undefined && { pinned: pinned ? '1' : null }),
  ...(archived === true && { pinned: null }),
  ...(pinned === true && archived !== true && { archived: null }),
  ...(folder !== undefined && { folder: folder === null ? null : checkFolder(folder) }),
});
