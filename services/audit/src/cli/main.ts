// `npm run audit -- <command>`: what operators and auditors do by hand.
import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { DataSource } from 'typeorm';
import { createLogger, createMetrics, delay, describeStartupFailure, fullJitter, loadConfig } from '@runnel/kit';
import { type OutboxFields, decodeEvent, fromOutbox } from '@runnel/protocol/audit';
import { holdAgainst, readCheckpoints } from '../checkpoints/check.ts';
import { fingerprintOf } from '../checkpoints/checkpoint.ts';
import { readPublicKey } from '../checkpoints/key.ts';
import { configSpec, type AuditConfig } from '../config.ts';
import { TOPICS } from '../ingest/consumers.ts';
import { kafkaDeadLetters, tableDeadLetters, type DeadLetter } from '../ingest/dead-letters.ts';
import { writeBoth } from '../relay/direct.ts';
import { createIngest } from '../ingest/ingest.ts';
import { databaseAddress } from '../database/address.ts';
import { openBus as openKafka } from '../ingest/kafka-settings.ts';
import { auditMetrics } from '../metrics.ts';
import { checkContent } from '../store/rows.ts';
import { SERVICE_RIGHTS } from '../database/rights.ts';
import { openToRead } from '../database/data-source.ts';
import { openTables } from '../audit-database.ts';
import { verify } from '../read/verify.ts';

const USAGE = `npm run audit -- <command>
  verify [--conversation ID]      nothing changed, removed or doubled; texts as the runs ended with
    [--checkpoint FILE --key PEM] and nothing cut off, removed or rewritten since those checkpoints; PEM: file of the key or its public half
  dead-letters list | retry       what could not be stored: show it, try it again
  rebuild --from-beginning        fill the database from everything Kafka still has
  migrate                         bring the database up to date, as soon as it answers, and make the months ahead
  forget USER                     whose conversations are all deleted: the trail names them no more (for a database whose service may not)
  rights ROLE                     the SQL that lets ROLE run the service and change nothing of the trail
Settings as of the service: DATABASE_URL, KAFKA_BROKERS and the other KAFKA_….`;

/** Months of the trail that `migrate` makes, for a service whose role may not. */
const MONTHS_AHEAD = 24;
/** About a minute and a half. */
const MIGRATE_ATTEMPTS = 30;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    conversation: { type: 'string' },
    checkpoint: { type: 'string' },
    key: { type: 'string' },
    'from-beginning': { type: 'boolean', default: false },
  },
});
/** What went wrong, in a line; a stack only if the surroundings are not at fault. */
const fail = (error: unknown): never => {
  const { line, expected } = describeStartupFailure(error);
  process.stderr.write(`runnel audit: ${line}\n`);
  if (!expected && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  process.exit(1);
};
const readConfig = (): AuditConfig => {
  try {
    return loadConfig(configSpec, process.env);
  } catch (error) {
    return fail(error);
  }
};
const config = readConfig();
const log = createLogger({ level: 'error', node: config.nodeId, service: 'audit' });
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const [command, action] = positionals;

const openBus = () => openKafka(config, `${config.nodeId}-cli`, log);

/** What the file of `--checkpoint` holds against the database; nothing without one. */
const sinceCheckpoints = async (database: DataSource): Promise<string[]> => {
  if (values.checkpoint === undefined) return [];
  const pem = values.key === undefined ? (config.checkpointKey ?? config.checkpointKeyFile?.text) : readFileSync(values.key, 'utf8');
  if (pem === undefined) return ['--checkpoint needs --key, or CHECKPOINT_KEY'];
  const key = readPublicKey(pem);
  const told = await readCheckpoints(createInterface({ input: createReadStream(values.checkpoint), crlfDelay: Infinity }), key);
  say(`${told.checkpoints} checkpoints of ${told.ends.size} logs, signed by ${fingerprintOf(key)}`);
  return [...told.problems, ...(await holdAgainst(database, told))];
};

const runVerify = async (): Promise<boolean> => {
  const database = await openToRead(databaseAddress(config));
  try {
    const { logs, events, texts, problems, root } = await verify(database, values.conversation);
    problems.push(...(await sinceCheckpoints(database)));
    problems.forEach((problem) => say(problem));
    say(
      `${problems.length === 0 ? 'whole' : `${problems.length} problems`}: ${events} events in ${logs} logs, ${texts} texts; root ${root}`,
    );
    return problems.length === 0;
  } finally {
    await database.destroy();
  }
};

/** The event a letter holds; throws the reason why it is still none. */
const eventOf = ({ topic, value }: DeadLetter) =>
  checkContent(topic === 'outbox' ? fromOutbox(JSON.parse(Buffer.from(value).toString()) as OutboxFields) : decodeEvent(value));

const runDeadLetters = async (): Promise<boolean> => {
  const bus = config.kafkaBrokers.length > 0 ? openBus() : undefined;
  const tables = await openTables(databaseAddress(config));
  const table = tableDeadLetters(tables.database);
  const letters = bus ? kafkaDeadLetters(bus, table) : table;
  try {
    if (action === 'retry') {
      const { stored, left } = await letters.retry(async (letter) => writeBoth(tables)([eventOf(letter)]));
      say(`${stored} stored, ${left} still unreadable`);
      return left === 0;
    }
    const found = await letters.list();
    for (const { origin, reason, key, value } of found) say(`${origin}  conversation ${key || '-'}  ${value.byteLength} bytes  ${reason}`);
    say(`${found.length} dead letters`);
    return true;
  } finally {
    await bus?.close();
    await tables.close();
  }
};

const progressBar = (): ((done: number, total: number) => void) => {
  const startedAt = performance.now();
  let shownAt = -Infinity;
  return (done, total) => {
    const now = performance.now();
    if (done < total && now - shownAt < 200) return;
    shownAt = now;
    const part = total === 0 ? 1 : done / total;
    const bar = '█'.repeat(Math.round(part * 30)).padEnd(30, '·');
    const rate = Math.round((done * 1_000) / Math.max(1, now - startedAt));
    process.stderr.write(
      `\r${bar} ${String(Math.floor(part * 100)).padStart(3)} %  ${done}/${total}  ${rate}/s ${done === total ? '\n' : ''}`,
    );
  };
};

const runRebuild = async (): Promise<boolean> => {
  if (!values['from-beginning'] || config.kafkaBrokers.length === 0) {
    say('rebuild needs --from-beginning and KAFKA_BROKERS');
    return false;
  }
  const bus = openBus();
  const tables = await openTables(databaseAddress(config));
  try {
    let unreadable = 0;

    const nowhere = {
      put: async (letters: readonly DeadLetter[]) => void (unreadable += letters.length),
      list: async () => [],
      retry: async () => ({ stored: 0, left: 0 }),
    };
    const metrics = auditMetrics(createMetrics('audit', { processMetrics: false }));
    const handle = createIngest({ write: writeBoth(tables), deadLetters: nowhere, metrics, group: 'rebuild' });
    await bus.readToEnd({ topics: TOPICS, handle, onProgress: progressBar() });
    say(`done; ${unreadable} records were unreadable, as before`);
    return true;
  } finally {
    await bus.close();
    await tables.close();
  }
};

/** For a Job or an init container: a database that starts at the same time is waited for. */
const runMigrate = async (): Promise<boolean> => {
  for (let attempt = 1; ; attempt++) {
    try {
      const tables = await openTables(databaseAddress(config));
      await tables.partitions.makeAhead(Date.now(), MONTHS_AHEAD).finally(() => tables.close());
      say('the database is up to date');
      return true;
    } catch (error) {
      say(`attempt ${attempt} of ${MIGRATE_ATTEMPTS}: ${error instanceof Error ? error.message : String(error)}`);
      if (attempt === MIGRATE_ATTEMPTS) return false;
      await delay(1_000 + fullJitter({ attempt, baseMs: 250, maxMs: 4_000 }));
    }
  }
};

/** What a service whose role may not change the trail cannot do for rows of 0.1.0. */
const runForget = async (): Promise<boolean> => {
  if (action === undefined) {
    say('forget needs a user');
    return false;
  }
  const tables = await openTables(databaseAddress(config));
  try {
    const forgotten = await tables.forget(action);
    say(forgotten ? 'the trail names them no more' : 'something of theirs is alive: erase them first, DELETE /api/admin/users/{user}');
    return forgotten;
  } finally {
    await tables.close();
  }
};

const sayRights = async (): Promise<boolean> => {
  if (action === undefined || !/^[a-z_][a-z0-9_]*$/.test(action)) {
    say('rights needs the name of a role: letters, digits and _');
    return false;
  }
  SERVICE_RIGHTS(action).forEach((statement) => say(`${statement};`));
  return true;
};

const COMMANDS: Record<string, () => Promise<boolean>> = {
  rights: sayRights,
  forget: runForget,
  verify: runVerify,
  'dead-letters': runDeadLetters,
  rebuild: runRebuild,
  migrate: runMigrate,
};
const chosen = COMMANDS[command ?? ''];
if (chosen === undefined) {
  say(USAGE);
  process.exitCode = 64;
} else process.exitCode = (await chosen().catch(fail)) ? 0 : 1;
