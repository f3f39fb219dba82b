import type { RecordKind } from '@runnel/protocol/audit';
import type { Subscription } from './channels.ts';

export type { RecordKind };

/** What a person may have of a kind. Bytes are those of names and values, about. */
export const RECORD_LIMITS: Readonly<Record<RecordKind, { entries: number; fields: number; bytes: number }>> = {
  place: { entries: 2_000, fields: 3, bytes: 256 * 1024 },
  feedback: { entries: 2_000, fields: 200, bytes: 1024 * 1024 },
  prompt: { entries: 200, fields: 2, bytes: 512 * 1024 },
  setting: { entries: 1, fields: 8, bytes: 4 * 1024 },
};

/** Where a database has them, the store keeps them so long after they were last asked for. */
export const RECORDS_LIFE_MS = 30 * 24 * 60 * 60 * 1_000;

/** Something a person has set. `version` rises within a kind; it is ms by the store's clock, about. */
export interface PersonRecord {
  name: string;
  version: number;
  fields: Readonly<Record<string, string>>;
}

/** A record as the database has it; `fields` null: it was taken away. */
export interface StoredRecord extends Omit<PersonRecord, 'fields'> {
  fields: PersonRecord['fields'] | null;
}

interface OfKind {
  userId: string;
  kind: RecordKind;
  /** Whether a database keeps them too: if not, the store does so without an end. */
  lasting: boolean;
}
export interface PutRecord extends OfKind {
  name: string;
  /** Null takes a field away; a record without fields is none. */
  patch: Readonly<Record<string, string | null>>;
  /** What the patch does not name goes too. */
  whole?: boolean;
}
export type PutRecordResult =
  | { outcome: 'done'; record: PersonRecord }
  /** It was so already: nobody is told. */
  | { outcome: 'same'; record: PersonRecord }
  /** They are not here, or of a store that changed since: `mergeRecords` first. */
  | { outcome: 'absent' }
  | { outcome: 'full'; what: 'entries' | 'fields' | 'bytes' }
  /** The outbox has no room. */
  | { outcome: 'overloaded' };
export type ReadRecordsResult = { outcome: 'found'; records: PersonRecord[] } | { outcome: 'absent' };

/**
 * What people set for themselves: one set for each person and kind. Two devices that change different fields of one record both win; of
 * the same field the later one does. What the database knows comes back by version (`mergeRecords`), so a store may forget all of it.
 */
export interface StoreRecords {
  putRecord(command: PutRecord): Promise<PutRecordResult>;
  /** Of some names, or all. */
  readRecords(query: OfKind & { names?: readonly string[] }): Promise<ReadRecordsResult>;
  mergeRecords(command: OfKind & { records: readonly StoredRecord[] }): Promise<void>;
  /** The person is erased; the database is told. */
  forgetRecords(userId: string): Promise<void>;
  /** Hints for a person's open pages: the published bytes. Resolves once it is acknowledged. */
  followPerson(userId: string, listener: PersonListener): Promise<Subscription>;
  /** Best effort. */
  publishPerson(userId: string, json: string): Promise<void>;
}

export interface PersonListener {
  message(bytes: Buffer): void;
  /** Hints may have been missed. */
  resubscribed(): void;
}

export const isKind = (word: string): word is RecordKind => Object.hasOwn(RECORD_LIMITS, word);
export const RECORD_KINDS = Object.keys(RECORD_LIMITS) as RecordKind[];
