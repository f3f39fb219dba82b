import pg from 'pg';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { Initial1700000000002 } from './migrations/0001-initial.ts';
import { SearchByUser1700000000003 } from './migrations/0002-search-by-user.ts';
import { TrailByHead1700000000004 } from './migrations/0003-trail-by-head.ts';
import { Finish1700000000005 } from './migrations/0004-finish.ts';
import { Proof1700000000006 } from './migrations/0005-proof.ts';
import { Tokens1700000000008 } from './migrations/0007-tokens.ts';
import { Persons1700000000009 } from './migrations/0008-persons.ts';
import { Parts1700000000010 } from './migrations/0009-parts.ts';
import { Receipts1700000000011 } from './migrations/0010-receipts.ts';
import { Presets1700000000012 } from './migrations/0012-presets.ts';
import { Parked1700000000013 } from './migrations/0013-parked.ts';
import { Records1700000000014 } from './migrations/0014-records.ts';
import { PackedTimelines1700000000015 } from './migrations/0015-packed-timelines.ts';
import { Retention1700000000016 } from './migrations/0016-retention.ts';
import { NodeSqlite } from './node-sqlite.ts';
import { unlocked } from './turns.ts';

const shared = {
  migrations: [
    ...[Initial1700000000002, SearchByUser1700000000003, TrailByHead1700000000004, Finish1700000000005],
    ...[Proof1700000000006, Tokens1700000000008, Persons1700000000009, Parts1700000000010],
    Receipts1700000000011,
    Presets1700000000012,
    Parked1700000000013,
    Records1700000000014,
    PackedTimelines1700000000015,
    Retention1700000000016,
  ],
  migrationsTransactionMode: 'each' as const,
  logging: false,
};

/** The driver is given: TypeORM would ask for it by a name that is made while it runs, which no bundler sees. */
const POSTGRES = { type: 'postgres', driver: pg } as const;

/** `postgres://…` or `sqlite:path` (`sqlite::memory:` for tests). */
const optionsOf = (url: string, { readOnly = false } = {}): DataSourceOptions =>
  url.startsWith('sqlite:')
    ? {
        ...shared,
        type: 'better-sqlite3',
        driver: NodeSqlite,
        database: url.slice('sqlite:'.length),
        readonly: readOnly,
        enableWAL: !readOnly,
      }
    : { ...shared, ...POSTGRES, url, extra: { max: 8, connectionTimeoutMillis: 2_000, statement_timeout: 30_000 } };

/** Arbitrary, but the same in every release: pods that start together migrate one after the other. */
const MIGRATION_LOCK = 7_201_103;

/** How long a pod waits for another one's migration. */
const MIGRATION_MS = 600_000;

/** Connects without a change of anything: the right to read is enough. @throws Error when the schema is older than this program */
export const openToRead = async (url: string): Promise<DataSource> => {
  const dataSource = await new DataSource(optionsOf(url, { readOnly: true })).initialize();
  if (await isUpToDate(dataSource)) return dataSource;
  await dataSource.destroy();
  throw new Error('The database is older than this program: run `npm run audit -- migrate` first.');
};

/** Every migration of this program is noted. Read as a table, since TypeORM would make it where it lacks. */
const isUpToDate = async (dataSource: DataSource): Promise<boolean> => {
  const done = await dataSource.query('SELECT name FROM migrations').catch((error: unknown) => {
    if (/no such table|42P01/.test(`${String(error)} ${String((error as { code?: unknown }).code)}`)) return [];
    throw error;
  });
  const names = new Set((done as { name: string }[]).map(({ name }) => name));
  return dataSource.migrations.every(({ name }) => names.has(name!));
};

/** Connects and brings the schema up to date, one process at a time; where it is, no right to change it is asked for. */
export const openDatabase = async (url: string): Promise<DataSource> => {
  const isSqlite = url.startsWith('sqlite:');
  if (!isSqlite) await migrate(url);
  const open = (): Promise<DataSource> => new DataSource(optionsOf(url)).initialize();
  if (!isSqlite) return open();
  const dataSource = await unlocked(open);
  await unlocked(() => dataSource.runMigrations());
  return dataSource;
};

/** On connections of its own: an index over a large table, and the wait for another pod's, take longer than a query may. */
const migrate = async (url: string): Promise<void> => {
  const extra = { max: 2, connectionTimeoutMillis: 2_000, statement_timeout: 0, lock_timeout: MIGRATION_MS };
  const dataSource = await new DataSource({ ...shared, ...POSTGRES, url, extra }).initialize();
  if (await isUpToDate(dataSource)) return dataSource.destroy();
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await dataSource.runMigrations();
  } finally {
    // The lock goes with the connection.
    await runner.release();
    await dataSource.destroy();
  }
};
