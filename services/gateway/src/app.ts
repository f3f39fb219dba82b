import type { ServerOptions } from 'node:http';
import type { GatewayFigures } from '@runnel/protocol/http';
import cookie from '@fastify/cookie';
import { fastify, LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { RunLog } from '@runnel/coordination';
import {
  createDrain,
  createInnerToken,
  delay,
  observeHttp,
  type RequestSeen,
  type Health,
  type InnerToken,
  type Logger,
  type Metrics,
  type Tracer,
} from '@runnel/kit';
import { DEFAULT_LIMITS, type Limits } from '@runnel/protocol';
import { registerAffinity } from './connections/affinity.ts';
import { staticPods, type AiPods } from './dispatch/ai-pods.ts';
import { createAuth, type Auth } from './auth/auth.ts';
import { MAX_USER_ID } from './auth/identity.ts';
import { withCount } from './auth/counted.ts';
import { createApiKeys } from './auth/grants/api-keys.ts';
import { LiveGrants } from './auth/grants/live-grants.ts';
import { withApiKeys } from './auth/grants/with-keys.ts';
import { createOidc } from './auth/oidc/oidc.ts';
import type { Renewal } from './auth/oidc/sessions.ts';
import { createBudgets } from './budgets/index.ts';
import { createCommands } from './commands/commands.ts';
import type { GatewayConfig } from './config.ts';
import { createContents } from './contents/contents.ts';
import { openPictures } from './contents/pictures.ts';
import { createTextReader } from './contents/texts.ts';
import type { AuditClient } from './archive/audit-client.ts';
import { createAuditHistory } from './archive/audit-history.ts';
import { recordMetrics } from './person/metrics.ts';
import { createOwnThings } from './person/own-things.ts';
import { createRecords } from './person/records.ts';
import { podUrl } from './dispatch/discovery/endpoint-slices.ts';
import { DNS_PORT, servicePods } from './dispatch/discovery/service-pods.ts';
import { createDispatcher, type Dispatcher } from './dispatch/dispatch.ts';
import { drainConnections } from './connections/drain.ts';
import { gatewayMetrics, type GatewayMetrics } from './metrics.ts';
import { answerClientError, registerHttp, sendUnreadable } from './http/index.ts';
import { prefixOf, withoutPrefix } from './http/plumbing/prefix.ts';
import { createJsonClient } from './dispatch/json-client.ts';
import { createPeople } from './follow/people.ts';
import { createHub } from './follow/hub.ts';
import { RunTraces } from './follow/run-traces.ts';
import { withAccessLog } from './commands/access-log.ts';
import { createModelCatalogue, type ModelCatalogue } from './dispatch/model-catalogue.ts';
import { createRateLimits, type RateLimits } from './budgets/rate-limit.ts';
import { withRehydration } from './archive/rehydration.ts';
import { parseTrustProxy, trustOf } from './auth/trust-proxy.ts';
import { createKeeper } from './http/files/keeper.ts';
import { openFiles } from './http/files/settings.ts';
import { sweepFiles } from './http/files/sweep.ts';
import { serviceAddress } from './dispatch/service-address.ts';
import { watchPods } from './dispatch/watch-pods.ts';
import { registerWs } from './sockets/ws-route.ts';

/** What the process gives. Everything optional has a default made from the configuration. */
export interface GatewayDeps {
  config: GatewayConfig;
  log: Logger;
  metrics: Metrics;
  health: Health;
  runLog: RunLog;
  /** Who runs the models; absent: the addresses of the configuration. */
  pods?: AiPods;
  dispatcher?: Dispatcher;
  models?: ModelCatalogue;
  auth?: Auth;
  rateLimits?: RateLimits;
  /** An ioredis client for budgets by the minute; without it they hold for this node alone. */
  redis?: unknown;
  audit?: AuditClient;
  /** What stands in front of a prompt waits so long for it (P-10); a test on a busy machine has another. */
  auditSlowMs?: number;
  /** What AI pods are shown. Absent: one that only this process has. */
  innerToken?: InnerToken;
  /** Only Host headers that name this machine, and `PUBLIC_HOSTS`. */
  thisMachineOnly?: boolean;
  /** Signs the cookies of guests (dev). Absent: with a key that ends with the process. */
  guestKey?: () => string;
  /** Without one nothing is traced. */
  tracer?: Tracer;
}

export interface GatewayApp {
  app: FastifyInstance;
  /** Sends everybody elsewhere, spread over the window; resolves when the last socket is gone or the window is over. */
  drain(): Promise<void>;
  /** For the operator. */
  figures(): GatewayFigures;
  close(): Promise<void>;
}

const podsOf = (config: GatewayConfig, token: InnerToken, metrics: GatewayMetrics, log: Logger): AiPods => {
  const { aiServiceName, aiServiceUrls, dispatch, kubernetesHost, kubernetesPort } = config;
  if (dispatch === 'service') return serviceAddress(aiServiceName === undefined ? aiServiceUrls : [podUrl(aiServiceName, DNS_PORT)], token);
  if (aiServiceName === undefined) return staticPods(aiServiceUrls, createJsonClient(), token);
  const host = kubernetesHost?.includes(':') ? `[${kubernetesHost}]` : kubernetesHost;
  const api = host === undefined ? undefined : `https://${host}:${kubernetesPort}`;
  return servicePods({ service: aiServiceName, api, token, metrics, log });
};

/** A request that is not whole by then is nobody's (slowloris): 64 KiB at the slowest phone's speed. */
const REQUEST_MS = 30_000;
/** The time for the headers has to be the shorter one, or Node takes each for the other; and it looks only every 30 s unless told. */
const SLOWLORIS: ServerOptions = { headersTimeout: 10_000, connectionsCheckingInterval: 5_000 };
/** What commands left to do when the last connection is gone has this long. */
const SETTLE_MS = 2000;

/**
 * Everything a gateway is, from its dependencies: nothing is read from the environment, nothing listens yet.
 *
 * @throws ConfigError when the configuration contradicts itself
 */
export const createGatewayApp = async (deps: GatewayDeps): Promise<GatewayApp> => {
  const { config, log } = deps;
  const metrics = gatewayMetrics(deps.metrics);
  const runLog = deps.audit ? withRehydration(deps.runLog, deps.audit, metrics, deps.auditSlowMs) : deps.runLog;
  const liveGrants = new LiveGrants(deps.runLog);
  deps.metrics.sampled(metrics.liveGrants, () => liveGrants.size);
  const keys = createApiKeys({
    store: deps.runLog,
    live: liveGrants,
    limit: config.maxKeysPerUser,
    refused: () => budgets.refusals.of('keys', {}),
    checked: (outcome) => metrics.keyChecks.inc({ outcome }),
  });
  const renewal = (outcome: Renewal, userId: string, session: string): void => {
    metrics.renewals.inc({ outcome });
    if (outcome === 'ended') log.info({ event: 'session.not-renewed', userId, session });
  };
  const oidc = config.authMode === 'oidc' ? createOidc({ config, store: deps.runLog, live: liveGrants, renewal }) : null;
  const known = withApiKeys(deps.auth ?? oidc?.auth ?? createAuth(config, deps.guestKey), keys);
  const people = new WeakMap<object, string>();
  const keep = config.accessLog ? (request: object, userId: string) => void people.set(request, userId) : undefined;
  const auth = withCount(known, (outcome) => metrics.identityChecks.inc({ outcome }), keep);
  metrics.socketsLimit.set(config.maxSockets);
  const innerToken = deps.innerToken ?? createInnerToken({});
  const pods = deps.pods ?? podsOf(config, innerToken, metrics, log);
  // Pods that were given are of this process.
  const watching = deps.pods ? undefined : watchPods({ pods, token: innerToken, runLog: deps.runLog, metrics, log });
  const dispatcher = deps.dispatcher ?? createDispatcher({ pods, policy: config.dispatch, metrics, log });
  const models = deps.models ?? createModelCatalogue(pods, { file: config.modelsFile });
  const rateLimits = deps.rateLimits ?? createRateLimits({ promptsPerMinute: config.rateLimitPerMinute, redis: deps.redis });
  const budgets = createBudgets({ config, runLog: deps.runLog, rateLimits, metrics: deps.metrics, redis: deps.redis });
  const limits: Limits = { ...DEFAULT_LIMITS, textChars: config.maxTextChars };
  const records = createRecords({ store: deps.runLog, audit: deps.audit ?? null, onOutcome: recordMetrics(deps.metrics) });
  const own = createOwnThings({
    records,
    runLog,
    audit: deps.audit ? createAuditHistory(deps.audit) : null,
    spend: (userId, bytes) => budgets.admission.write(userId, bytes),
  });
  const traces = new RunTraces();
  const hub = createHub({ runLog, metrics, traces, neighbours: budgets.neighbours });
  const { tracer } = deps;
  const pictures = openPictures(config.imageMaxPixels);
  if (pictures === null) log.warn({ event: 'files.no-pictures' });
  const contents = createContents(pictures, createTextReader(), deps.metrics);
  const files = openFiles(config, contents, deps.audit ? createKeeper(deps.audit) : null);
  const plain = createCommands({
    traces,
    runLog,
    hub,
    dispatcher,
    models,
    files,
    records,
    admission: budgets.admission,
    limits,
    metrics,
    log,
    ...(tracer && { tracer }),
  });
  const commands = config.accessLog ? withAccessLog(plain, log) : plain;
  const draining = new AbortController();
  const trustProxy = parseTrustProxy(config.trustProxy);
  const prefix = prefixOf(config.publicUrl);

  const app: FastifyInstance = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: trustOf(trustProxy),
    bodyLimit: limits.frameBytes,
    rewriteUrl: ({ url = '/' }) => withoutPrefix(url, prefix),
    // Admins name a person in a path; Fastify's own bound is 100 characters.
    routerOptions: { maxParamLength: MAX_USER_ID },
    requestTimeout: REQUEST_MS,
    http: SLOWLORIS,
    frameworkErrors: sendUnreadable,
    clientErrorHandler: answerClientError,
  });
  const seen: RequestSeen | undefined = config.accessLog
    ? (request, of) => log.info({ event: 'http.answered', ...request, ms: Math.round(request.ms), userId: people.get(of) })
    : undefined;
  observeHttp(app, deps.metrics, seen);
  await app.register(cookie);
  const sockets = await registerWs(app, {
    hub,
    people: createPeople(deps.runLog, (people) => metrics.people.set(people)),
    commands,
    auth,
    limits,
    metrics,
    log,
    node: config.nodeId,
    heartbeatMs: config.heartbeatMs,
    promptsPerMinute: config.rateLimitPerMinute,
    budgets,
    maxSockets: config.maxSockets,
    maxSocketsPerIp: config.maxSocketsPerIp,
    draining: draining.signal,
  });
  registerAffinity(app, trustProxy !== false);
  const unsentBytes = (): number => sockets.sessions().reduce((sum, { unsent }) => sum + unsent, 0);
  deps.metrics.sampled(metrics.unsent, unsentBytes);
  const sweeping = files && sweepFiles(files, log);
  const { metrics: registry, health, audit = null } = deps;
  const http = await registerHttp(app, {
    config,
    log,
    metrics: registry,
    health,
    runLog,
    hub,
    commands,
    auth,
    keys,
    oidc,
    models,
    budgets,
    audit,
    records,
    own,
    files,
    contents,
    thisMachineOnly: deps.thisMachineOnly,
    limits,
    draining: draining.signal,
  });

  const leave = async (): Promise<void> => {
    draining.abort();
    const connections = [...sockets.sessions(), ...http.streams()];
    log.info({ event: 'drain.started', connections: connections.length, windowMs: config.drainMs });
    await Promise.all([drainConnections(connections, config.drainMs), http.settled()]);
    await Promise.race([commands.settled(), delay(SETTLE_MS)]);
    log.info({ event: 'drain.done' });
  };
  const { drain } = createDrain({ health, metrics: registry, log, windowMs: config.drainMs + SETTLE_MS, work: leave });
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    draining.abort();
    await app.close();
    await Promise.race([commands.settled(), delay(SETTLE_MS)]);
    liveGrants.close();
    await hub.close();
    await budgets.close();
    models.close();
    dispatcher.close();
    watching?.close();
    sweeping?.[Symbol.dispose]();
    pods.close();
  };
  // Both can be asked for from several sides (a signal, an operator) and happen once.
  const figures = (): GatewayFigures => ({ sockets: [...sockets.sessions()].length + [...http.streams()].length });
  return { app, drain, figures, close: () => (closed ??= close()) };
};
