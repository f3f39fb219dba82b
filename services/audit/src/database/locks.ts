import type { Sql } from './sql.ts';

/** Writers of one conversation go one after the other; those of others meet in a bucket now and then, which only costs a wait. */
const LOCK_SPACE = 7_201;
const BUCKETS = 64;
/** Whoever writes of persons holds it together, whoever makes one nameless alone: no id comes back behind an erasure. */
const PERSONS = 7_201_106;

export const bucketOf = (conversationId: string): number => {
  let hash = 0;
  for (let i = 0; i < conversationId.length; i++) hash = (Math.imul(hash, 31) + conversationId.charCodeAt(i)) | 0;
  return (hash >>> 0) % BUCKETS;
};

/** Whatever the server's default: what is committed is on disk, since it leaves the outbox, or Kafka's position moves, after it. */
export const onDisk = async (sql: Sql): Promise<void> => {
  if (sql.dialect === 'sqlite') return;
  await sql.query(`SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') IN ('off', 'local')`);
};

/** For who destroys a key: nobody writes of persons meanwhile. */
export const lockAlone = async (sql: Sql): Promise<void> => {
  if (sql.dialect === 'postgres') await sql.query(`SELECT pg_advisory_xact_lock(${PERSONS})`);
};

/** For who writes of these conversations and their persons. The persons' lock first, so that two transactions cannot wait for each other. */
export const lock = async (sql: Sql, conversationIds: readonly string[]): Promise<void> => {
  if (sql.dialect === 'sqlite') return;
  // Always in one order, so that two writers cannot wait for each other.
  const buckets = [...new Set(conversationIds.map(bucketOf))].sort((a, b) => a - b);
  await sql.query(
    `WITH p AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(${PERSONS}))
     SELECT pg_advisory_xact_lock(${LOCK_SPACE}, b) FROM p, unnest('{${buckets.join(',')}}'::int[]) AS b`,
  );
};
