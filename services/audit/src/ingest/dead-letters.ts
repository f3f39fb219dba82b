import type { DataSource } from 'typeorm';
import type { EventBus, EventRecord, ReceivedRecord } from '@runnel/events';
import { DEAD_LETTER_TOPIC, decodeEvent } from '@runnel/protocol/audit';
import { dialectOf, fromStored, Sql, toStored, type Value } from '../database/sql.ts';
import { inTurn } from '../database/turns.ts';
import { lateDigest } from '../persons/pseudonym.ts';
import { lateKey } from '../persons/resolve.ts';
import { sha256Of, userOf } from '../store/rows.ts';

/** What could not be stored, whole, with the reason. */
export interface DeadLetter {
  /** Where it belongs. */
  topic: string;
  key: string;
  value: Uint8Array;
  reason: string;
  /** Where it was found: topic, partition and position, or the outbox entry. */
  origin: string;
}

export interface DeadLetters {
  put(letters: readonly DeadLetter[]): Promise<void>;
  /** Those that nobody has dealt with. */
  list(): Promise<DeadLetter[]>;
  /** Hands each to `again`; one that fails once more stays, with the new reason. Resolves to how many went. */
  retry(again: (letter: DeadLetter) => Promise<void>): Promise<{ stored: number; left: number }>;
}

const MOST_REASON = 1_000;
/** A key of an index: PostgreSQL takes 2,704 bytes. */
const MOST_ORIGIN = 500;

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
/** What a letter says of itself is whatever somebody wrote: one that the table refused would be tried for ever. */
const reasonStored = (reason: string): string => toStored(reason.slice(0, MOST_REASON));
const originStored = (origin: string): string =>
  toStored(origin.length <= MOST_ORIGIN ? origin : `${origin.slice(0, MOST_ORIGIN - 65)} ${sha256Of(origin)}`);

/** The group whose position says what was dealt with. */
const DESK = 'runnel-dead-letter-desk';

const toRecord = ({ topic, key, value, reason, origin }: DeadLetter): EventRecord => ({
  topic: DEAD_LETTER_TOPIC,
  key,
  value,
  headers: { reason, topic, origin },
});
const toLetter = ({ key, value, headers }: ReceivedRecord): DeadLetter => ({
  topic: headers['topic'] ?? '',
  key: key ?? '',
  value: value ?? new Uint8Array(),
  reason: headers['reason'] ?? '',
  origin: headers['origin'] ?? '',
});

/** @param table takes those that Kafka does not */
export const kafkaDeadLetters = (bus: EventBus, table: DeadLetters): DeadLetters => {
  const put = async (letters: readonly DeadLetter[]): Promise<void> => {
    const deliveries = await bus.deliver(letters.map(toRecord));
    await table.put(letters.filter((_, i) => deliveries[i]!.outcome === 'refused'));
    for (const delivery of deliveries) if (delivery.outcome === 'failed') throw delivery.error;
  };
  const read = async (commit: boolean): Promise<DeadLetter[]> => {
    const letters: DeadLetter[] = [];
    const handle = async (records: readonly ReceivedRecord[]): Promise<void> => void letters.push(...records.map(toLetter));
    await bus.readToEnd({ topics: [DEAD_LETTER_TOPIC], group: DESK, commit, handle });
    return letters;
  };
  return {
    put,
    list: async () => [...(await read(false)), ...(await table.list())],
    async retry(again) {
      const result = await table.retry(again);
      const handle = async (records: readonly ReceivedRecord[]): Promise<void> => {
        for (const letter of records.map(toLetter)) {
          try {
            await again(letter);
            result.stored++;
          } catch (error) {
            // To the end of the topic before the position moves past it.
            await put([{ ...letter, reason: reasonOf(error) }]);
            result.left++;
          }
        }
      };
      await bus.readToEnd({ topics: [DEAD_LETTER_TOPIC], group: DESK, commit: true, handle });
      return result;
    },
  };
};

interface LetterRow {
  id: number;
  topic: string;
  key: string;
  value: string;
  reason: string;
  origin: string;
}

/** As an id stands in an event, and in an event that stands as text in an outbox entry. */
const formsOf = (userId: string): string[] => {
  const inEvent = JSON.stringify(userId);
  return [inEvent, JSON.stringify(inEvent).slice(1, -1)];
};

/** Removes every letter that names somebody. */
export const forgetLetters = async (sql: Sql, userId: string): Promise<void> => {
  const forms = formsOf(userId);
  for (const { origin, value } of await sql.query<LetterRow>('SELECT * FROM dead_letter')) {
    const text = Buffer.from(value, 'base64').toString();
    if (forms.some((form) => text.includes(form))) await sql.query('DELETE FROM dead_letter WHERE origin = $1', [origin]);
  }
};

/** Whether the letter tells of somebody who was erased since: it is not kept then. */
const isOfErased = async (sql: Sql, value: Uint8Array): Promise<boolean> => {
  let event;
  try {
    event = decodeEvent(value);
  } catch {
    return false;
  }
  const userId = userOf(event);
  const key = userId === null ? '' : await lateKey(sql);
  if (key === '') return false;
  const [found] = await sql.query('SELECT 1 FROM audit_person WHERE digest = $1 AND erased_at >= $2 LIMIT 1', [
    lateDigest(key, userId!),
    Date.parse(event.time),
  ]);
  return found !== undefined;
};

/** Without Kafka they lie in the database. */
export const tableDeadLetters = (database: DataSource, now: () => number = Date.now): DeadLetters => {
  const sql = new Sql(dialectOf(database), database);
  const write = (statement: string, values: readonly Value[]): Promise<unknown> => inTurn(database, () => sql.query(statement, values));
  const rows = (): Promise<LetterRow[]> => sql.query<LetterRow>('SELECT * FROM dead_letter ORDER BY at, origin');
  const toLetterOf = ({ topic, key, value, reason, origin }: LetterRow): DeadLetter => ({
    ...{ topic: fromStored(topic), key: fromStored(key), reason: fromStored(reason), origin },
    value: Buffer.from(value, 'base64'),
  });
  return {
    async put(letters) {
      for (const { topic, key, value, reason, origin } of letters) {
        if (await isOfErased(sql, value)) continue;
        await write(
          `INSERT INTO dead_letter (origin, at, topic, key, value, reason) VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (origin) DO UPDATE SET reason = excluded.reason`,
          [originStored(origin), now(), toStored(topic), toStored(key), Buffer.from(value).toString('base64'), reasonStored(reason)],
        );
      }
    },
    list: async () => (await rows()).map(toLetterOf),
    async retry(again) {
      const result = { stored: 0, left: 0 };
      for (const letter of (await rows()).map(toLetterOf)) {
        try {
          await again(letter);
          await write('DELETE FROM dead_letter WHERE origin = $1', [letter.origin]);
          result.stored++;
        } catch (error) {
          await write('UPDATE dead_letter SET reason = $2 WHERE origin = $1', [letter.origin, reasonStored(reasonOf(error))]);
          result.left++;
        }
      }
      return result;
    },
  };
};
