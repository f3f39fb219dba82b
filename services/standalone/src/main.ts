import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  createHealth,
  createInnerDoor,
  createInnerToken,
  createInternalServer,
  createLogger,
  createMetrics,
  loadConfig,
  runService,
  showBuild,
  showMemoryLimit,
  startTracing,
} from '@runnel/kit';
import { createStandalone } from './app.ts';
import { configSpec } from './config.ts';
import { chooseModels, findLocalModels } from './local-models.ts';

const checkout = join(import.meta.dirname, '../../..');

await runService({
  name: 'standalone',
  async start({ stop }) {
    const startedAt = performance.now();
    // People who try it out read one line, not a log.
    const given = loadConfig(configSpec, { LOG_LEVEL: 'warn', ...process.env });
    const built = join(checkout, 'web/dist');
    const config = given.webDir === undefined && existsSync(built) ? { ...given, webDir: built } : given;
    const log = createLogger({ level: config.logLevel, node: config.nodeId, service: 'standalone' });
    const metrics = createMetrics('standalone');
    showBuild(metrics, config.commit);
    showMemoryLimit(metrics);
    const health = createHealth();
    const models = config.models ?? chooseModels(process.env, findLocalModels(join(checkout, 'models')));
    const tracing = startTracing({ service: 'standalone', node: config.nodeId, config, told: { log, metrics } });
    const { tracer } = tracing;
    const { gateway, closables } = await createStandalone({ config, models, env: process.env, log, metrics, health, tracer });
    await gateway.app.listen({ host: config.host, port: config.port });
    // The services meet in this process and show each other nothing; who drains over HTTP has to.
    const token = createInnerToken({ given: config.internalToken, file: config.internalTokenFile });
    const door = createInnerDoor(token, metrics);
    const onDrained = (): void => stop('drained');
    const internal = createInternalServer({ metrics, health, log, door, onDrain: () => gateway.drain(), onDrained });
    await internal.listen({ host: config.host, port: config.internalPort });
    health.setReady();
    const { port } = gateway.app.server.address() as AddressInfo;
    const host = config.host === '0.0.0.0' ? 'localhost' : config.host;
    const names = models.map((model) => model.id).join(', ');
    const titles = config.titleModel === undefined ? 'their first words; TITLE_MODEL lets a model name them' : `by ${config.titleModel}`;
    const ms = Math.round(performance.now() - startedAt);
    process.stdout.write(`Runnel is at http://${host}:${port}  (models: ${names}; titles: ${titles}; ${ms} ms)\n`);
    const known = { name: 'inner token', close: () => token.close() };
    const sent = { name: 'tracing', close: () => tracing.shutdown() };
    return { log, closables: [sent, known, ...closables, { name: 'internal', close: () => internal.close() }] };
  },
});
