import { sequenceOf, type AuditEvent } from '@runnel/protocol/audit';
import type { Sql } from '../database/sql.ts';
import { PERSON, rowOf, type PersonRow, type SessionRow } from '../database/tables.ts';
import { eachPerson, renamePersons, userOf, type NameOf } from '../store/rows.ts';
import { isPseudonym } from '@runnel/protocol/audit';
import { lateDigest, makePerson } from './pseudonym.ts';

type Raw = Record<string, unknown>;

/** Who an event is about, as the trail and as the tables that people read call them. */
export interface Persons {
  /** Pseudonyms, for the trail. */
  nameOf(event: AuditEvent): NameOf;
  /** Whose the event is in the tables: the id, or the pseudonym of somebody who was erased; null: nobody's. */
  ownerOf(event: AuditEvent): string | null;
  /** Whether it belongs to a log of somebody erased that is here: the trail takes it, whoever has the conversation now; the tables do not. */
  isTrailOnly(event: AuditEvent): boolean;
  /** The event for those tables: without the id of anybody who was erased. */
  shown(event: AuditEvent): AuditEvent;
}

const idsIn = (events: readonly AuditEvent[]): Set<string> => {
  const ids = new Set<string>();
  for (const { data } of events) eachPerson(data, (userId) => ids.add(userId));
  return ids;
};

/** The persons of these ids whom the trail knows by name. */
export const personsNamed = async (sql: Sql, ids: readonly string[]): Promise<Map<string, string>> => {
  const found = await sql.among<Raw>('SELECT * FROM audit_person', 'user_id', ids);
  return new Map(found.map((raw) => [String(raw['user_id']), String(raw['pseudonym'])]));
};

/** Gives those a key whom nobody knows. Another writer may do the same at the same time, so what stands is read again. */
export const addPersons = async (sql: Sql, ids: readonly string[]): Promise<Map<string, string>> => {
  if (ids.length === 0) return new Map();
  // In one order, so that two writers cannot wait for each other.
  const rows = ids.toSorted().map((userId): PersonRow => ({ ...makePerson(userId), erasedAt: null, digest: null }));
  await sql.insert('audit_person', PERSON, rows, '(user_id) DO NOTHING');
  return personsNamed(sql, ids);
};

/** The key of late digests; '': nobody was ever erased. */
export const lateKey = async (sql: Sql): Promise<string> => {
  const [found] = await sql.query<{ key: string }>('SELECT key FROM audit_late_key ORDER BY key LIMIT 1');
  return found?.key ?? '';
};

/** Those who were erased and whom these ids, or these owners of conversations, may mean. */
const erasedAmong = async (sql: Sql, key: string, ids: ReadonlySet<string>, owners: readonly string[]) => {
  const digests = new Map(key === '' ? [] : [...ids].map((id) => [id, lateDigest(key, id)] as const));
  const rows = [
    ...(key === '' ? [] : await sql.among<Raw>('SELECT * FROM audit_person', 'digest', [...digests.values()])),
    ...(await sql.among<Raw>('SELECT * FROM audit_person', 'pseudonym', [...new Set(owners.filter(isPseudonym))])),
  ].map((raw) => rowOf(PERSON, raw));
  const erased = rows.filter(({ erasedAt }) => erasedAt !== null);
  return { digests, byPseudonym: new Map(erased.map((row) => [row.pseudonym, row])), all: erased };
};

/** Whose logs these are, as far as the trail has them: a log has one owner. */
const ownersOfLogs = async (sql: Sql, events: readonly AuditEvent[]): Promise<Map<string, string>> => {
  const logIds = new Set(events.map((event) => sequenceOf(event)!.logId));
  const found = await sql.among<Raw>('SELECT DISTINCT log_id, user_id FROM audit_log', 'log_id', [...logIds]);
  return new Map(found.filter((raw) => raw['user_id'] !== null).map((raw) => [String(raw['log_id']), String(raw['user_id'])]));
};

/**
 * Finds out whom the events mean. An event of somebody who was erased may come late, out of an outbox or Kafka: it is theirs whose its
 * log is, or, where nothing of the log is here, whose it was when it happened; and brings no id back. Whoever comes again under that
 * id is somebody else.
 *
 * @param aside what adds those who are new
 * @param sessions by conversation
 */
export const resolvePersons = async (
  sql: Sql,
  aside: Sql,
  events: readonly AuditEvent[],
  sessions: ReadonlyMap<string, SessionRow>,
): Promise<Persons> => {
  const ids = idsIn(events);
  const owners = [...sessions.values()].map(({ userId }) => userId);
  const { digests, byPseudonym, all } = await erasedAmong(sql, await lateKey(sql), ids, owners);
  const isDigestOf = ({ digest }: PersonRow, userId: string): boolean => digest !== null && digest === digests.get(userId);
  const erasedBefore = (userId: string, time: number): string | undefined =>
    all.filter((person) => isDigestOf(person, userId) && time <= person.erasedAt!).toSorted((a, b) => a.erasedAt! - b.erasedAt!)[0]
      ?.pseudonym;

  /** Events of somebody erased, with their pseudonym. */
  const late = new Map<AuditEvent, string>();
  const trailOnly = new Set<AuditEvent>();
  const erasedOwner = (event: AuditEvent): PersonRow | undefined => byPseudonym.get(sessions.get(event.subject)?.userId ?? '');
  const doubtful = events.filter((event) => {
    const userId = userOf(event);
    return userId !== null && all.length > 0 && (erasedOwner(event) !== undefined || all.some((person) => isDigestOf(person, userId)));
  });
  const logs = doubtful.length === 0 ? new Map<string, string>() : await ownersOfLogs(sql, doubtful);
  const inTrail = new Set(logs.keys());
  // The first of a log says whose the others are.
  for (const event of doubtful.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time))) {
    const [userId, { logId }] = [userOf(event)!, sequenceOf(event)!];
    const owner = erasedOwner(event);
    const isOwners = owner && sessions.get(event.subject)!.deleted === 0 && (owner.digest === null || isDigestOf(owner, userId));
    const name = logs.get(logId) ?? (isOwners ? owner.pseudonym : erasedBefore(userId, Date.parse(event.time))) ?? '';
    logs.set(logId, name);
    if (!byPseudonym.has(name)) continue;
    late.set(event, name);
    const session = sessions.get(event.subject);
    if (inTrail.has(logId) && session && session.userId !== name) trailOnly.add(event);
  }

  const erasedName = (event: AuditEvent, userId: string): string | undefined =>
    all.length === 0 ? undefined : userId === userOf(event) ? late.get(event) : erasedBefore(userId, Date.parse(event.time));
  const named = await personsNamed(sql, [...ids]);
  const needed =
    all.length === 0 ? [...ids] : events.flatMap((event) => [...idsIn([event])].filter((id) => erasedName(event, id) === undefined));
  for (const [id, pseudonym] of await addPersons(
    aside,
    [...new Set(needed)].filter((id) => !named.has(id)),
  ))
    named.set(id, pseudonym);
  return {
    nameOf: (event) => (userId) => erasedName(event, userId) ?? named.get(userId) ?? userId,
    ownerOf: (event) => {
      const userId = userOf(event);
      return userId === null ? null : (erasedName(event, userId) ?? userId);
    },
    isTrailOnly: (event) => trailOnly.has(event),
    shown: (event) =>
      all.length === 0
        ? event
        : ({ ...event, data: renamePersons(event.data, (userId) => erasedName(event, userId) ?? userId) } as AuditEvent),
  };
};
