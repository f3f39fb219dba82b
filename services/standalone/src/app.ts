import { join } from 'node:path';
import { createAiApp } from '@runnel/ai';
import { serveDemoTools } from '@runnel/demo-tools';
import type { ModelEntry } from '@runnel/protocol/http';
import {
  auditMetrics,
  createAuditApp,
  createDirect,
  openTables,
  ownKey,
  RelayLoop,
  startCheckpoints,
  startRetention,
  watchWaiting,
} from '@runnel/audit';
import { createMemoryRunLog, type MemoryRunLog } from '@runnel/coordination';
import { createGatewayApp, isLoopback, type AuditClient, type GatewayApp } from '@runnel/gateway';
import { waitFor, type Closable, type Environment, type Health, type Logger, type Metrics, type Tracer } from '@runnel/kit';
import { AnswerJournal, durable, journalled } from './answer-journal.ts';
import { endedIn, endLeftAnswers } from './answer-recovery.ts';
import type { StandaloneConfig } from './config.ts';
import { claimFolder } from './data-folder.ts';
import { localPods } from './local-pod.ts';
import { openGrantsFile } from './grants-file.ts';
import { openOutboxFile } from './outbox-file.ts';

const NO_STORE = {
  redisUrl: '',
  redisKeyPrefix: '',
  redisShards: undefined,
  redisCaFile: undefined,
  redisCertFile: undefined,
  redisKeyFile: undefined,
};

export interface StandaloneDeps {
  config: StandaloneConfig;
  models: readonly ModelEntry[];
  env: Environment;
  log: Logger;
  metrics: Metrics;
  health: Health;
  tracer?: Tracer;
  /** What stands between the gateway and its tables; absent: nothing. */
  beforeTables?: (tables: AuditClient) => AuditClient;
}

export interface StandaloneApp {
  gateway: GatewayApp;
  /** In the order they were started. */
  closables: Closable[];
}

/** The memory log's outbox as one shard that nobody else wants. */
const memoryOutbox = ({ outbox }: MemoryRunLog) => ({
  heldShards: () => [0],
  read: async (_shard: number, count: number) => outbox.read(count),
  trim: async (_shard: number, entryIds: readonly string[]) => outbox.trim(entryIds),
  balance: async () => {},
  release: async () => {},
});

/** The audit service's HTTP side without HTTP. */
const inProcess = (app: ReturnType<typeof createAuditApp>): AuditClient => ({
  async call(path, { method = 'GET', body, userId } = {}) {
    const answer = await app.inject({
      method,
      url: path,
      ...(body && { payload: body }),
      ...(userId !== undefined && { headers: { 'x-runnel-user': encodeURIComponent(userId) } }),
    });
    return { status: answer.statusCode, body: answer.body === '' ? null : (answer.json() as unknown) };
  },
});

/**
 * How long a prompt waits for what the tables have of its conversation. They are in this process: what keeps them for longer than other gateways
 * wait for a database is a machine that is busy, and a prompt that goes on without them begins with an empty thread and forgets its key (W-4).
 */
const TABLES_MS = 3_000;
/** How long the start waits for the tables to take what a killed process left. */
const LEFT_MS = 10_000;
/** Nothing but its own outbox brings events late. */
const LATE_MS = 86_400_000;

/** Gateway, AI and audit in one process, on the memory log and an SQLite file. */
export const createStandalone = async (deps: StandaloneDeps): Promise<StandaloneApp> => {
  const { config, models, env, log, metrics, health } = deps;
  const tracing = deps.tracer && { tracer: deps.tracer };
  const folder = claimFolder(config.dataDir);
  const outboxFile = await openOutboxFile({ file: join(config.dataDir, 'outbox.ndjson'), log });
  const grantsFile = openGrantsFile({ file: join(config.dataDir, 'grants.json'), log });
  const { secretOf } = folder;
  const memory = createMemoryRunLog({ durable: outboxFile, left: outboxFile.left, grants: grantsFile, secretOf });
  const isStored = (): boolean => memory.outbox.read(1).length === 0;
  const journal = new AnswerJournal({
    file: join(config.dataDir, 'running.sqlite'),
    log,
    isStored,
    onStored: () => void outboxFile.clear(),
  });
  const runLog = durable(journalled(memory, journal), outboxFile);
  const tables = await openTables(`sqlite:${join(config.dataDir, 'runnel.sqlite')}`);
  const forAudit = auditMetrics(metrics);
  const relay = new RelayLoop({
    outbox: memoryOutbox(memory),
    ...createDirect(tables, forAudit, deps.tracer),
    metrics: forAudit,
    empty: true,
    log,
  });
  relay.start();
  const checkpoints = startCheckpoints({
    database: tables.database,
    key: ownKey(join(config.dataDir, 'checkpoint.key')),
    file: join(config.dataDir, 'checkpoints.jsonl'),
    metrics: forAudit,
    log,
  });
  const terms = { retentionMs: 0, messageMs: config.messageRetentionMs, runMs: config.runRetentionMs, lateMs: LATE_MS };
  const retention = startRetention({ tables, terms, metrics: forAudit, log });
  const waiting = watchWaiting(tables, forAudit, log);
  const audit = createAuditApp(tables);
  // Histories are read from the tables; a table that cannot be written to must not keep the rest from starting.
  await waitFor(isStored, { deadlineMs: LEFT_MS, what: 'the outbox of the process before' }).catch((err: unknown) =>
    log.warn({ event: 'outbox-file.not-stored', err }),
  );
  await endLeftAnswers(journal, memory, inProcess(audit), log, endedIn(outboxFile.left));
  const demo = config.tools === undefined ? await serveDemoTools({ dir: join(config.dataDir, 'tools') }) : null;
  const tools = config.tools ?? [{ id: 'demo', url: demo!.url }];
  const filesUrl = config.filesUrl ?? `file:${join(config.dataDir, 'files')}`;
  const aiConfig = { ...config, filesUrl, models: [...models], tools, drainMs: 0 };
  const ai = await createAiApp({ config: aiConfig, env, log, metrics, health, runLog, alone: true, ...tracing });
  const gateway = await createGatewayApp({
    config: { ...config, ...NO_STORE, filesUrl, aiServiceUrls: [], auditUrl: undefined },
    log,
    metrics,
    health,
    runLog,
    pods: localPods(ai),
    audit: (deps.beforeTables ?? ((client) => client))(inProcess(audit)),
    auditSlowMs: TABLES_MS,
    // With DEV_MODE_OPEN or tokens it is known under other names.
    thisMachineOnly: config.authMode === 'dev' && isLoopback(config.host),
    guestKey: () => folder.guestKey,
    ...tracing,
  });
  return {
    gateway,
    closables: [
      { name: 'data-folder', close: async () => folder.close() },
      { name: 'grants-file', close: () => grantsFile.close() },
      { name: 'outbox-file', close: () => outboxFile.close() },
      { name: 'journal', close: async () => journal.close() },
      { name: 'tables', close: () => tables.close() },
      { name: 'run-log', close: () => runLog.close() },
      { name: 'relay', close: () => relay.close() },
      checkpoints,
      retention,
      waiting,
      { name: 'audit', close: () => audit.close() },
      ...(demo ? [{ name: 'demo tools', close: () => demo.close() }] : []),
      { name: 'ai', close: () => ai.close() },
      { name: 'gateway', close: () => gateway.close() },
    ],
  };
};
