import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RunnelError } from '@runnel/protocol';
import { holdsKey } from '../auth/grants/api-key.ts';
import type { GatewayContext } from '../context.ts';
import type { Drainable } from '../connections/drain.ts';
import { createAuditHistory } from '../archive/audit-history.ts';
import { adminRoutes } from './api/admin.ts';
import { registerFiles, sayTus } from './files/index.ts';
import { registerBodies } from './plumbing/bodies.ts';
import { replayRoutes } from './api/replay.ts';
import { searchRoutes } from './api/search.ts';
import { SIGN_IN_PATH, signInRoutes } from './api/sign-in.ts';
import { chatRoutes } from './api/chat.ts';
import { conversationRoutes } from './api/conversations.ts';
import { registerGracefulClose } from './plumbing/graceful-close.ts';
import { createHistoryCache } from '../archive/history-cache.ts';
import { readHistory } from '../archive/history-source.ts';
import { historyRoutes } from './api/history.ts';
import { httpMetrics, type UploadOutcome } from './plumbing/http-metrics.ts';
import { registerLargeResponses } from './plumbing/large-responses.ts';
import { oidcRoutes } from './api/oidc.ts';
import { sessionRoutes } from './api/sessions.ts';
import { exportRoutes } from './person/export.ts';
import { feedbackRoutes } from './person/feedback.ts';
import { folderRoutes } from './person/folders.ts';
import { promptRoutes } from './person/prompts.ts';
import { settingRoutes } from './person/settings.ts';
import { keyRoutes } from './api/keys.ts';
import { meRoutes } from './api/me.ts';
import { forkRoutes } from './api/fork.ts';
import { modelRoutes } from './api/models.ts';
import { agUiRoutes } from '../dialects/ag-ui/route.ts';
import { aiSdkSocket } from '../dialects/ai-sdk/socket-route.ts';
import { aiSdkRoutes } from '../dialects/ai-sdk/route.ts';
import { dialectCaller, isDialect, isDialectCommand } from '../dialects/door.ts';
import { dialectMetrics } from '../dialects/metrics.ts';
import { OpenPlaces } from '../dialects/places.ts';
import { streamRoutes } from '../dialects/durable-streams/route.ts';
import { PendingAnswers } from '../dialects/openai/run.ts';
import { openAiRoutes } from '../dialects/openai/plugin.ts';
import { registerDocs, registerOpenApi } from './plumbing/openapi.ts';
import { prefixOf } from './plumbing/prefix.ts';
import { registerProblems } from './plumbing/problem.ts';
import { registerSecurity } from './plumbing/security-headers.ts';
import { eventRoutes } from './sse/sse.ts';
import { registerStatic, sendPage } from './plumbing/static.ts';
import { validatorCompiler } from './plumbing/whole-numbers.ts';
import { trailRoutes } from './api/trail.ts';
import { watchHistory } from '../archive/watch-history.ts';

export { answerClientError } from './plumbing/client-error.ts';
export { sendUnreadable } from './plumbing/security-headers.ts';

/** What a drain has to see to: long answers over HTTP. */
export interface HttpAnswers {
  /** Event streams, which can be sent elsewhere. */
  streams(): readonly Drainable[];
  /** Resolves when every `/v1` answer has ended; none outlives the drain window. */
  settled(): Promise<void>;
}

const OIDC_PATHS = ['/start', '/callback', '/back-channel'].map((path) => SIGN_IN_PATH + path);

/** The documentation is for everybody, and how to sign in is for those who have not. */
const isApi = (url: string, open: ReadonlySet<string>): boolean =>
  url.startsWith('/api/') && !url.startsWith('/api/docs') && !open.has(url.split('?', 1)[0]!);

/** Prompts have budgets of their own, which know what a repeated one is (W-4); and to cancel is always allowed. */
const HAS_A_BUDGET = /^\/api\/(chat|regenerate|cancel)(\?|$)/;

/**
 * Everything the gateway answers over HTTP besides the WebSocket route, whose upgrade gets the same headers, origin check and
 * problem documents.
 */
export const registerHttp = async (app: FastifyInstance, context: GatewayContext): Promise<HttpAnswers> => {
  const { config, runLog, budgets } = context;
  const prefix = prefixOf(config.publicUrl);
  registerGracefulClose(app);
  if (context.files) sayTus(app, context.files);
  registerProblems(app, config.webDir === undefined ? () => false : sendPage(config.webDir, prefix));
  const hosts = { publicHosts: config.publicHosts, thisMachineOnly: context.thisMachineOnly };
  await registerSecurity(app, { corsOrigins: config.corsOrigins, hosts });
  const callers = new WeakMap<FastifyRequest, string>();
  const open = new Set([SIGN_IN_PATH, ...(context.oidc === null ? [] : [...OIDC_PATHS, '/api/sign-out'])]);
  // What stands in an address is in the logs of every proxy: such a key has to be ended, and must not seem to work.
  app.addHook('onRequest', async ({ url }) => {
    if (holdsKey(url))
      throw new RunnelError('bad-frame', 'An API key goes into the Authorization header, never into an address. End this one.');
  });
  // Reject unauthenticated requests before reading the body.
  app.addHook('onRequest', async (request, reply) => {
    if (!isApi(request.url, open)) return;
    const { userId } = isDialect(request.url)
      ? await dialectCaller(context.auth, request, reply)
      : await context.auth.require(request, reply);
    callers.set(request, userId);
    if (!HAS_A_BUDGET.test(request.url) && !isDialectCommand(request.method, request.url)) await budgets.command(userId);
  });
  const bodies = registerBodies(app, { callerOf: (request) => callers.get(request), refused: (limit) => budgets.refusals.count(limit) });
  registerLargeResponses(app, budgets.unsent);
  // JSON is the only body there is. A form of a foreign page can send text/plain without asking first.
  app.removeContentTypeParser('text/plain');
  app.setValidatorCompiler(validatorCompiler);
  // Response schemas document; they must not cut fields off.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));

  const metrics = httpMetrics(context.metrics);
  const audit = context.audit && createAuditHistory(context.audit);
  const history = createHistoryCache({
    read: (query) => readHistory(runLog, audit, query),
    follow: (conversationId, changed) => watchHistory(runLog, conversationId, changed),
    onRead: (from) => metrics.historyReads.inc({ from }),
  });
  app.addHook('onClose', () => history.close());

  await registerOpenApi(app, prefix);
  const routes = app.withTypeProvider<TypeBoxTypeProvider>();
  chatRoutes(routes, context);
  const streams = eventRoutes(routes, context, metrics);
  historyRoutes(routes, context, history);
  conversationRoutes(routes, context, audit);
  forkRoutes(routes, context, audit);
  searchRoutes(routes, context);
  replayRoutes(routes, context);
  trailRoutes(routes, context);
  adminRoutes(routes, context);
  keyRoutes(routes, context);
  exportRoutes(routes, context);
  feedbackRoutes(routes, context);
  folderRoutes(routes, context);
  promptRoutes(routes, context);
  settingRoutes(routes, context);
  meRoutes(routes, context);
  signInRoutes(routes, context);
  const { oidc } = context;
  if (oidc !== null) {
    sessionRoutes(routes, { ...context, oidc });
    oidcRoutes(app, { ...context, oidc });
  }
  modelRoutes(routes, context);
  if (context.files) await registerFiles(app, context, context.files, metrics);
  const pending = new PendingAnswers();
  app.addHook('preClose', async () => pending.interrupt());
  const dialects = dialectMetrics(context.metrics);
  const uploaded = (outcome: UploadOutcome): void => metrics.uploads.inc({ outcome });
  const openAi = { ...context, pending, callers, dialects, bodies, uploaded, history: history.read };
  await app.register((scope) => openAiRoutes(scope, openAi), { prefix: '/v1' });
  const shared = { ...context, dialects, places: new OpenPlaces(context, dialects) };
  const feeds: { list(): readonly Drainable[] }[] = [];
  await app.register(async (scope) => void feeds.push(streamRoutes(scope, shared)), { prefix: '/api/streams' });
  await app.register(async (scope) => void feeds.push(aiSdkRoutes(scope, shared)), { prefix: '/api/ai-sdk' });
  feeds.push(aiSdkSocket(app, shared));
  await app.register(async (scope) => void feeds.push(agUiRoutes(scope, shared)), { prefix: '/api/ag-ui' });
  await registerDocs(app, prefix);
  if (config.webDir !== undefined) await registerStatic(app, config.webDir, prefix);
  return { streams: () => [...streams.list(), ...feeds.flatMap((each) => each.list())], settled: () => pending.settled() };
};
