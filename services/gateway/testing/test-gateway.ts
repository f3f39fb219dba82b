import type { AddressInfo } from 'node:net';
import { createMemoryRunLog, type RunLog } from '@runnel/coordination';
import { createHealth, createMetrics, loadConfig, silentLog } from '@runnel/kit';
import { createGatewayApp, type GatewayApp, type GatewayDeps } from '../src/app.ts';
import { configSpec } from '../src/config.ts';
import type { Dispatcher } from '../src/dispatch/dispatch.ts';
import { TestOwner } from './test-owner.ts';
import { TestClient, type ClientOptions } from './ws-client.ts';

export interface TestGateway extends GatewayApp {
  runLog: RunLog;
  /** Takes every run that is dispatched. */
  owner: TestOwner;
  port: number;
  url: string;
  /** A socket that is closed with the gateway. */
  connect(options?: ClientOptions): Promise<TestClient>;
  /** The sum of a metric's values, of those that have these labels. */
  metric(name: string, labels?: Record<string, string>): Promise<number>;
}

export interface TestGatewayOptions extends Partial<Omit<GatewayDeps, 'config'>> {
  env?: Record<string, string>;
  /** Absent: a free one. */
  port?: number;
}

/** A whole gateway on a free port, over the memory log unless given another. `await using` ends it. */
export const startGateway = async ({ env = {}, port: wanted = 0, ...deps }: TestGatewayOptions = {}): Promise<
  TestGateway & AsyncDisposable
> => {
  const runLog = deps.runLog ?? createMemoryRunLog();
  const owner = new TestOwner(runLog);
  const dispatcher: Dispatcher = {
    dispatch: async (run) => {
      await owner.claim(run);
      return 'accepted';
    },
    close: () => {},
  };
  const metrics = createMetrics('gateway', { processMetrics: false });
  const config = loadConfig(configSpec, { NODE_ID: 'test', HOST: '127.0.0.1', PORT: '0', AUTH_MODE: 'dev', DRAIN_SECONDS: '1', ...env });
  const gateway = await createGatewayApp({ config, log: silentLog, metrics, health: createHealth(), dispatcher, ...deps, runLog });
  await gateway.app.listen({ host: '127.0.0.1', port: wanted });
  const { port } = gateway.app.server.address() as AddressInfo;
  const clients: TestClient[] = [];
  const close = async () => {
    for (const client of clients) client.drop();
    await gateway.close();
    if (!deps.runLog) await runLog.close();
  };
  return {
    ...gateway,
    close,
    runLog,
    owner,
    port,
    url: `http://127.0.0.1:${port}`,
    async connect(options = {}) {
      const client = new TestClient(port, options);
      clients.push(client);
      await client.opened;
      return client;
    },
    async metric(name, wanted = {}) {
      const { values } = (await metrics.registry.getSingleMetric(name)?.get()) ?? { values: [] };
      const isWanted = ({ labels }: { labels: Record<string, unknown> }) =>
        Object.entries(wanted).every(([key, word]) => labels[key] === word);
      return values.filter(isWanted).reduce((sum, { value }) => sum + value, 0);
    },
    [Symbol.asyncDispose]: close,
  };
};
