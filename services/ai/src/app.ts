import { TypeBoxValidatorCompiler, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { readFile } from 'node:fs/promises';
import type { RunLog } from '@runnel/coordination';
import { createFileReader, openBlobs, type FileReader } from '@runnel/files';
import {
  ConfigError,
  createDrain,
  inProcessOnly,
  startTracing,
  type Environment,
  type Health,
  type InnerDoor,
  type Logger,
  type Metrics,
  type Tracer,
  type InnerToken,
} from '@runnel/kit';
import { RunnelError, toRunnelError } from '@runnel/protocol';
import { AiFigures, OFFER_STATUS, PodModelList, RunOffer, type OfferAnswer } from '@runnel/protocol/http';
import { fastify, type FastifyInstance } from 'fastify';
import { systemClock, type Clock } from './runs/clock.ts';
import type { AiConfig } from './config.ts';
import { createAiMetrics } from './metrics.ts';
import { followModels } from './models/live/follow-models.ts';
import { createLiveRegistry } from './models/live/live-registry.ts';
import { createStandings } from './models/live/standings.ts';
import { readModels } from './models/live/read-models.ts';
import type { ModelRegistry } from './models/registry.ts';
import { UNKNOWN_MODEL } from './models/unknown.ts';
import { watchStoreMemory } from './runs/store-memory.ts';
import { createStoredEnds, PATIENCE_MS } from './runs/stored-ends.ts';
import { createStoredWaits } from './parking/stored-waits.ts';
import { createTellCalls } from './parking/told-calls.ts';
import { createWorker, type Worker } from './runs/worker.ts';
import { titleModelProblems } from './titles/title-model.ts';
import { createTitles, TITLES_PER_MINUTE } from './titles/titles.ts';
import { createToolbox } from './tools/mcp-toolbox.ts';
import { toolProblems } from './tools/tool-entry.ts';

export interface AiDeps {
  config: Pick<AiConfig, 'nodeId' | 'models' | 'maxRuns' | 'leaseMs' | 'drainMs'> &
    Partial<
      Pick<
        AiConfig,
        | 'orphanMs'
        | 'maxAnswerBytes'
        | 'modelsFile'
        | 'tools'
        | 'maxSteps'
        | 'filesUrl'
        | 'awsAccessKeyId'
        | 'awsSecretAccessKey'
        | 'auditUrl'
        | 'titleModel'
        | 'titlesPerMinute'
      >
    >;
  log: Logger;
  metrics: Metrics;
  health: Health;
  runLog: RunLog;
  /** No other pod shares the run log, so nobody could take a run over. */
  alone?: boolean;
  /** Who may ask for anything here. Absent: nobody over the network. */
  door?: InnerDoor;
  /** Shown to the audit service, where `AUDIT_URL` names one. */
  innerToken?: InnerToken;
  /** Where the models' `apiKeyEnv` are looked up. */
  env?: Environment;
  tracer?: Tracer;
  clock?: Clock;
}

export interface AiApp {
  /** Dispatch: `GET /alive`, `POST /runs`, `GET /models`; for the operator `GET /figures`. */
  app: FastifyInstance;
  worker: Worker;
  models: ModelRegistry;
  /** Hands every run to other pods. Once, however often it is called. */
  drain(): Promise<void>;
  /** Drains, then stops. The run log stays open: it belongs to the caller. */
  close(): Promise<void>;
}

/** What the worker's drain may take beyond the time its runs get: claims in flight, and handing back what did not finish. */
const DRAIN_EXTRA_MS = 4_000;

/** Builds the service around a run log and starts its worker. */
export const createAiApp = async (deps: AiDeps): Promise<AiApp> => {
  const { config, log, health, runLog, alone = false, env = {}, clock, innerToken } = deps;
  const standings = createStandings();
  const metrics = standings.listenTo(createAiMetrics(deps.metrics));
  const file = config.modelsFile;
  const text =
    file === undefined
      ? undefined
      : await readFile(file, 'utf8').catch((cause: unknown) => Promise.reject(new ConfigError([`MODELS_FILE ${String(cause)}`])));
  const entries = text === undefined ? config.models : readModels(text);
  const models = createLiveRegistry(entries, {
    env,
    from: file === undefined ? 'MODELS' : 'MODELS_FILE',
    onEndpoint: metrics.endpoint,
    ...(clock && { clock }),
  });
  metrics.known([...entries, { id: UNKNOWN_MODEL }]);
  const { tools: servers = [], auditUrl, titleModel } = config;
  // What MODELS_FILE has may change: there a missing one costs titles, not the pod.
  const untitled = titleModel !== undefined && file === undefined ? titleModelProblems(titleModel, entries) : [];
  const problems = [...toolProblems(servers, env), ...untitled];
  if (problems.length > 0) throw new ConfigError(problems);
  const observe = metrics.tools(servers.map(({ id }) => id));
  const tools = servers.length === 0 ? undefined : createToolbox(servers, { env, log, observe, ...(clock && { clock }) });
  metrics.runsLimit(config.maxRuns);
  const titles =
    titleModel === undefined
      ? undefined
      : createTitles({
          ...{ runLog, models, model: titleModel, perMinute: config.titlesPerMinute ?? TITLES_PER_MINUTE, metrics: metrics.titles, log },
          clock: clock ?? systemClock,
        });
  const worker = createWorker({
    runLog,
    models,
    nodeId: config.nodeId,
    maxRuns: config.maxRuns,
    leaseMs: config.leaseMs,
    drainMs: config.drainMs,
    ...(config.orphanMs !== undefined && { orphanMs: config.orphanMs }),
    ...(config.maxAnswerBytes !== undefined && { maxAnswerBytes: config.maxAnswerBytes }),
    ...(config.maxSteps !== undefined && { maxSteps: config.maxSteps }),
    ...(tools && { tools }),
    files: filesOf(config),
    ...(auditUrl !== undefined &&
      innerToken && {
        stored: createStoredWaits({ url: auditUrl, token: innerToken, onAnswer: metrics.parked }),
        tellCall: createTellCalls({ url: auditUrl, token: innerToken, onAnswer: metrics.callTold }),
        // No lease is renewed while it is asked.
        archive: createStoredEnds({ url: auditUrl, token: innerToken, patienceMs: Math.min(PATIENCE_MS, config.leaseMs / LEASE_TO_KEEP) }),
      }),
    ...(titles && { onEnd: titles.consider }),
    alone,
    metrics,
    tracer: deps.tracer ?? startTracing({ service: 'ai', node: config.nodeId }).tracer,
    log,
    ...(clock && { clock }),
  });
  const figures = (): AiFigures => ({
    runs: worker.size,
    ended: standings.ended,
    models: standings.figures(models.entries(), worker.byModel(), (id) => models.get(id)?.provider.endpoints?.()),
    problems: [...(followed?.problems() ?? [])],
  });
  const app = createRoutes({ worker, models, figures, leaseMs: config.leaseMs, log, door: deps.door ?? inProcessOnly });

  const windowMs = config.drainMs + DRAIN_EXTRA_MS;
  const { drain } = createDrain({ health, metrics: deps.metrics, log, windowMs, work: () => worker.drain() });
  const followed = file === undefined ? null : followModels({ file, text, models, uses: worker.uses, metrics, health, log });
  const watching = new AbortController();
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    watching.abort();
    titles?.close();
    followed?.close();
    await drain();
    await Promise.all([app.close(), models.close(), tools?.close()]);
  };
  void models.warmUp();
  void watchStoreMemory({ runLog, show: metrics.storeMemory, ...(clock && { clock }) }, watching.signal);
  await worker.start();
  return { app, worker, models, drain, close: () => (closing ??= close()) };
};

/** Null: there are no files here. */
const filesOf = ({
  filesUrl: url,
  awsAccessKeyId: accessKeyId,
  awsSecretAccessKey: secretAccessKey,
}: AiDeps['config']): FileReader | null => {
  const blobs = url === undefined ? null : openBlobs(url, { accessKeyId, secretAccessKey });
  return blobs && createFileReader(blobs);
};

/** Leases are renewed four times in their length: who is silent for a third of it, and unreachable, is gone. */
const LEASE_TO_KEEP = 3;

interface Routes {
  worker: Worker;
  models: ModelRegistry;
  figures(): AiFigures;
  leaseMs: number;
  log: Logger;
  door: InnerDoor;
}

const createRoutes = ({ worker, models, figures, leaseMs, log, door }: Routes): FastifyInstance => {
  const app = fastify({ logger: false, forceCloseConnections: true, bodyLimit: 16 * 1024 })
    .setValidatorCompiler(TypeBoxValidatorCompiler)
    .setSerializerCompiler(() => (data) => JSON.stringify(data))
    .withTypeProvider<TypeBoxTypeProvider>();

  // Before anything of the request is read, and for paths that do not exist as well.
  app.addHook('onRequest', door);
  app.post('/runs', { schema: { body: RunOffer } }, async ({ body: { conversationId, runId } }, reply) => {
    const result = await worker.take({ conversationId, runId });
    reply.code(OFFER_STATUS[result.outcome]);
    return result satisfies OfferAnswer;
  });
  // Nothing more is said on it: that it ends is how a gateway notices that this process is gone.
  app.get('/alive', (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'application/json' });
    reply.raw.write(`${JSON.stringify({ owner: worker.owner, keepMs: Math.ceil(leaseMs / LEASE_TO_KEEP) })}\n`);
  });
  app.get('/models', { schema: { response: { 200: PodModelList } } }, () => ({ models: models.list() }));

  app.get('/figures', { schema: { response: { 200: AiFigures } } }, figures);

  app.setErrorHandler((error, _request, reply) => {
    const known = isValidation(error) ? new RunnelError('bad-frame', 'The request does not fit its schema.') : toRunnelError(error);
    if (known.code === 'internal') log.error({ event: 'http.failed', err: error });
    return reply.code(known.status).type('application/problem+json').send(known.toFields());
  });
  return app as unknown as FastifyInstance;
};

/** Fastify's own refusals: a bad body, a wrong media type, too large. */
const isValidation = (error: unknown): boolean => {
  const { statusCode = 500 } = error as { statusCode?: number };
  return !(error instanceof RunnelError) && statusCode >= 400 && statusCode < 500;
};
