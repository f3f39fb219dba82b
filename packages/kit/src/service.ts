import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { describeConfig, loadConfig, type ConfigOf, type ConfigSpec, type Environment, type Setting } from './config.ts';
import { createHealth, type Health } from './health.ts';
import { createInnerDoor, type InnerDoor } from './inner/door.ts';
import { createInnerToken, type InnerToken, type InnerTokenOptions } from './inner/token.ts';
import { createInternalServer } from './internal-server.ts';
import { createLogger, type Logger, type LogLevel } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { showBuild } from './telemetry/build-info.ts';
import { showMemoryLimit } from './telemetry/memory-limit.ts';
import type { FileText } from './setting.ts';
import { runService, type Closable, type ServiceControl } from './shutdown.ts';
import type { OtelConfig } from './telemetry/otel-settings.ts';
import { startTracing, type Tracer } from './tracing.ts';

/** The settings that a service needs to be started this way: `commonSettings` has them, `host` may be a service's own. */
interface Common extends Record<string, Setting> {
  nodeId: Setting<string>;
  logLevel: Setting<LogLevel>;
  commit: Setting<string>;
  internalPort: Setting<number>;
  internalToken: Setting<string | undefined>;
  internalTokenFile: Setting<FileText | undefined>;
}

/** What a service is built from. */
export interface ServiceParts<S extends Common> extends ServiceControl {
  config: ConfigOf<S>;
  log: Logger;
  metrics: Metrics;
  health: Health;
  tracer: Tracer;
  /** The credential between the services: given, of a file, or shared by `share`; and the door that asks for it. */
  openDoor(options: Pick<InnerTokenOptions, 'share'>): { token: InnerToken; door: InnerDoor; closable: Closable };
}

export interface BuiltService {
  /** Its interface for others, at `PORT`. Not listening yet. Absent: it has none. */
  app?: FastifyInstance;
  /** More that the inner door lets its neighbours ask, at the internal port. */
  innerRoutes?: (app: FastifyInstance, door: InnerDoor) => void;
  /** Who may drain it over HTTP. */
  door: InnerDoor;
  /** Hands over what it holds. Once, however often it is called. */
  drain(): Promise<void>;
  /** In the order they were started; `app` and the drain among them where they need a place. */
  closables: readonly Closable[];
  /** What all closings together may take. */
  shutdownMs: number;
}

export interface StartServiceOptions<S extends Common> {
  name: string;
  spec: ConfigSpec<S>;
  env: Environment;
  /** How often the lag of its event loop is looked at; every 10 ms, which takes some thousandths of a core, unless told otherwise. */
  loopLookMs?: number;
  /** Where it listens; `HOST` unless told otherwise. */
  hostOf(config: ConfigOf<S>): string;
  build(parts: ServiceParts<S>): Promise<BuiltService>;
}

/**
 * The life of a service of ours: configuration, log, metrics, health and traces first, then what it is, then its two ports, then one line
 * that says so. It is ready when all of that is done.
 */
export const startService = <S extends Common>({ name, spec, env, loopLookMs, hostOf, build }: StartServiceOptions<S>): Promise<void> =>
  runService({
    name,
    async start({ stop }) {
      const config = loadConfig(spec, env);
      const { nodeId, logLevel, commit, internalPort, internalToken, internalTokenFile } = config as ConfigOf<Common>;
      const { port = 0 } = config as { port?: number };
      const log = createLogger({ level: logLevel, node: nodeId, service: name });
      const metrics = createMetrics(name, loopLookMs === undefined ? {} : { loopLookMs });
      showBuild(metrics, commit);
      showMemoryLimit(metrics);
      const health = createHealth();
      const tracing = startTracing({ service: name, node: nodeId, config: config as unknown as OtelConfig, told: { log, metrics } });
      const onError = (err: unknown): void => log.debug({ event: 'inner-token.unread', err });
      const openDoor: ServiceParts<S>['openDoor'] = (options) => {
        const token = createInnerToken({ given: internalToken, file: internalTokenFile, ...options, onError });
        return { token, door: createInnerDoor(token, metrics), closable: { name: 'inner token', close: () => token.close() } };
      };
      const built = await build({ config, log, metrics, health, tracer: tracing.tracer, openDoor, stop });
      const { app, door, drain, innerRoutes } = built;
      const internal = createInternalServer({
        ...{ metrics, health, log, door, onDrain: drain, onDrained: () => stop('drained') },
        ...(innerRoutes && { routes: (inner) => innerRoutes(inner, door) }),
      });
      const host = hostOf(config);
      await internal.listen({ host, port: internalPort });
      await app?.listen({ host, port });
      health.setReady();
      const ports = { ...(app && { port: portOf(app) }), internalPort: portOf(internal) };
      log.info({ event: 'service.started', ...ports, config: describeConfig(spec, config) });
      return {
        log,
        shutdownMs: built.shutdownMs,
        closables: [
          { name: 'tracing', close: () => tracing.shutdown() },
          { name: 'internal', close: () => internal.close() },
          ...built.closables,
        ],
      };
    },
  });

const portOf = ({ server }: FastifyInstance): number => (server.address() as AddressInfo).port;
