import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DataSource } from 'typeorm';
import { recordAdminAct } from './read/admin-trail.ts';
import type { AdminAct, CalledPart, ParkedRun, Replay, StoredRecordList, Verification } from '@runnel/protocol/http';
import { Analytics } from './read/analytics.ts';
import { openDatabase } from './database/data-source.ts';
import { dialectOf, Sql } from './database/sql.ts';
import { inTurn } from './database/turns.ts';
import { forgetDigests } from './persons/forget.ts';
import { readRecords } from './persons/records.ts';
import { Partitions } from './database/partitions.ts';
import { createGroupWriter, type GroupWriter } from './ingest/group-writer.ts';
import { AuditReader } from './read/reader.ts';
import { markCalled } from './store/mark-called.ts';
import { countParked, readParked } from './read/parked.ts';
import { readReplay } from './read/replay.ts';
import { Cutter } from './retention/cutter.ts';
import { Holds } from './retention/holds.ts';
import { AuditStore, laneOf } from './store/store.ts';
import { Trail } from './read/trail.ts';
import { verify } from './read/verify.ts';

/** The database, with everybody who writes and reads it. */
export interface AuditTables {
  database: DataSource;
  store: { write: AuditStore['write'] };
  /** Many callers, few transactions at a time. */
  writer: GroupWriter;
  reader: AuditReader;
  trail: Trail;
  analytics: Analytics;
  /** What a person has set, of one kind. */
  records(userId: string, kind: string): Promise<StoredRecordList>;
  /** The answer in a conversation of theirs that waits for a person, or waited and has not ended; null: there is none. */
  parked(conversationId: string, userId: string): Promise<ParkedRun | null>;
  /** @see markCalled */
  called(userId: string, call: CalledPart): Promise<boolean>;
  /** How many answers wait for a person. */
  waiting(): Promise<number>;
  replay(runId: string, userId: string): Promise<Replay | null>;
  /** Of one conversation. */
  verify(conversationId: string): Promise<Verification>;
  /** @see AuditStore.forget */
  forget: AuditStore['forget'];
  /** What recognises late events of those who were erased before this time (ms) goes. */
  forgetDigests(before: number): Promise<unknown>;
  /** Puts an admin's deed into the trail. */
  recordAdminAct(act: AdminAct): Promise<void>;
  partitions: Partitions;
  cutter: Cutter;
  holds: Holds;
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the database and brings it up to date. */
export const openTables = async (databaseUrl: string): Promise<AuditTables> => {
  const file = databaseUrl.startsWith('sqlite:') ? databaseUrl.slice('sqlite:'.length) : null;
  if (file !== null && file !== ':memory:') await mkdir(dirname(file), { recursive: true });
  const database = await openDatabase(databaseUrl);
  const store = new AuditStore(database);
  return {
    database,
    store,
    writer: createGroupWriter(
      (events) => store.write(events),
      (conversationId) => laneOf(dialectOf(database), conversationId),
    ),
    reader: new AuditReader(database),
    trail: new Trail(database),
    analytics: new Analytics(database),
    records: (userId, kind) => readRecords(new Sql(dialectOf(database), database), userId, kind),
    parked: (conversationId, userId) => readParked(new Sql(dialectOf(database), database), conversationId, userId),
    called: (userId, call) => inTurn(database, () => markCalled(new Sql(dialectOf(database), database), userId, call)),
    waiting: () => countParked(new Sql(dialectOf(database), database)),
    replay: (runId, userId) => readReplay(database, runId, userId),
    verify: (conversationId) => verify(database, conversationId),
    forget: (userId) => store.forget(userId),
    forgetDigests: (before) => inTurn(database, () => forgetDigests(new Sql(dialectOf(database), database), before)),
    recordAdminAct: (act) => recordAdminAct(database, act, Date.now()),
    partitions: new Partitions(database),
    cutter: new Cutter(database),
    holds: new Holds(database),
    ping: async () => void (await database.query('SELECT 1')),
    close: () => database.destroy(),
  };
};
