import type { AddressInfo } from 'node:net';
import { createMemoryRunLog } from '@runnel/coordination';
import { createHealth, createMetrics, loadConfig, silentLog, type Metrics } from '@runnel/kit';
import { createAiApp, configSpec as aiConfig } from '../../services/ai/src/index.ts';
import { createGatewayApp, configSpec as gatewayConfig } from '../../services/gateway/src/index.ts';
import { localPods } from '../../services/standalone/src/local-pod.ts';

export interface Stack extends AsyncDisposable {
  port: number;
  metrics: { gateway: Metrics; ai: Metrics };
}

/** A gateway and an AI pod in this process, over the memory log; metrics of the process itself left out. */
export const startStack = async (env: Record<string, string> = {}): Promise<Stack> => {
  const runLog = createMemoryRunLog();
  const metrics = {
    gateway: createMetrics('gateway', { processMetrics: false }),
    ai: createMetrics('ai', { processMetrics: false }),
  };
  const common = { log: silentLog, runLog };
  const settings = { NODE_ID: 'test', HOST: '127.0.0.1', PORT: '0', AUTH_MODE: 'dev', DRAIN_SECONDS: '1', ...env };
  const ai = await createAiApp({ ...common, config: loadConfig(aiConfig, settings), metrics: metrics.ai, health: createHealth() });
  const gateway = await createGatewayApp({
    ...common,
    config: loadConfig(gatewayConfig, settings),
    metrics: metrics.gateway,
    health: createHealth(),
    pods: localPods(ai),
  });
  await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = gateway.app.server.address() as AddressInfo;
  return {
    port,
    metrics,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await ai.close();
      await runLog.close();
    },
  };
};
