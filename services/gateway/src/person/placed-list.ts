import type { PersonRecord } from '@runnel/coordination';
import type { ConversationPage, ConversationSummary } from '@runnel/protocol/http';
import { placeOf, type Place } from './places.ts';
import type { Records } from './records.ts';

export interface ListQuery {
  userId: string;
  after?: string;
  limit: number;
  /** Only those that are archived; else none of them. */
  archived?: boolean;
  /** Only those in this folder. */
  folder?: string;
  /** On the first page those that are pinned come before the others, and on no page again. */
  pinnedFirst?: boolean;
}
export interface ListSource {
  /** Newest first, after a conversation. */
  page(query: { userId: string; after?: string; limit: number }): Promise<ConversationPage>;
  /** Those of these that exist, newest first. */
  among(userId: string, ids: readonly string[]): Promise<ConversationSummary[]>;
  records: Pick<Records, 'read'>;
}

/** Asked of the database by an address, which has no room for more. */
const ASKED = 100;
const PAGE = 200;

/** A page of a person's conversations with their places in it. @throws RunnelError `unavailable` for a view that needs places */
export const listPlaced = async (source: ListSource, query: ListQuery): Promise<ConversationPage> => {
  const isView = query.archived === true || query.folder !== undefined;
  const read = (): Promise<PersonRecord[]> => source.records.read(query.userId, 'place');
  // The list matters more than what stands beside it (P-10).
  const records = isView ? await read() : await read().catch(() => []);
  const places = new Map(records.map((record) => [record.name, placeOf(record)]));
  return isView ? viewOf(source, query, places) : wholeOf(source, query, places);
};

type Places = ReadonlyMap<string, Place>;

const withPlace =
  (places: Places) =>
  (summary: ConversationSummary): ConversationSummary => ({
    ...summary,
    ...places.get(summary.conversationId),
  });

const among = async ({ among: find }: ListSource, userId: string, places: Places, wanted: (place: Place) => boolean) => {
  const ids = [...places].filter(([, place]) => wanted(place)).map(([id]) => id);
  const found: ConversationSummary[] = [];
  for (let i = 0; i < ids.length; i += ASKED) found.push(...(await find(userId, ids.slice(i, i + ASKED))));
  return found.toSorted((a, b) => b.updatedAt - a.updatedAt).map(withPlace(places));
};

/** The archive, or a folder without what of it is archived. */
const viewOf = async (source: ListSource, query: ListQuery, places: Places): Promise<ConversationPage> => {
  const { userId, after, limit, archived = false, folder } = query;
  const all = await among(
    source,
    userId,
    places,
    (place) => (place.archived === true) === archived && (folder === undefined || place.folder === folder),
  );
  const first = after === undefined ? 0 : all.findIndex(({ conversationId }) => conversationId === after) + 1;
  if (after !== undefined && first === 0) return { conversations: [], hasMore: false };
  return { conversations: all.slice(first, first + limit), hasMore: all.length > first + limit };
};

const wholeOf = async (source: ListSource, query: ListQuery, places: Places): Promise<ConversationPage> => {
  const { userId, after, limit, pinnedFirst = false } = query;
  const isLeftOut = ({ conversationId }: ConversationSummary): boolean => {
    const { archived = false, pinned = false } = places.get(conversationId) ?? {};
    return archived || (pinned && pinnedFirst);
  };
  const top = pinnedFirst && after === undefined ? await among(source, userId, places, ({ pinned = false }) => pinned) : [];
  const rest: ConversationSummary[] = [];
  let hasMore = true;
  // Ends: what is left out is bounded by what a person may have of places.
  for (let last = after; hasMore && rest.length < limit;) {
    const page = await source.page({ userId, limit: rest.length === 0 ? limit : PAGE, ...(last !== undefined && { after: last }) });
    rest.push(...page.conversations.filter((one) => !isLeftOut(one)));
    hasMore = page.hasMore;
    last = page.conversations.at(-1)?.conversationId;
    if (last === undefined) break;
  }
  return { conversations: [...top, ...rest.slice(0, limit).map(withPlace(places))], hasMore: hasMore || rest.length > limit };
};
