import { startService } from '@runnel/kit';
import { createKubeApi, podAccount } from '@runnel/kube';
import { configSpec } from './config.ts';
import { createOperatorMetrics } from './metrics.ts';
import { startOperator } from './operator.ts';

/** To give the Lease back. */
const CLOSE_MS = 5_000;
/** It mostly waits: to look every 10 ms would cost more than all it does. Less than a half of what the alert on the lag allows. */
const LOOP_LOOK_MS = 50;

await startService({
  name: 'operator',
  spec: configSpec,
  env: process.env,
  loopLookMs: LOOP_LOOK_MS,
  hostOf: ({ host }) => host,
  async build({ config, log, metrics, health, openDoor }) {
    const { kubernetesHost, kubernetesPort, accountDir } = config;
    const host = kubernetesHost.includes(':') ? `[${kubernetesHost}]` : kubernetesHost;
    const account = await podAccount(`https://${host}:${kubernetesPort}`, accountDir);
    const api = createKubeApi(account);
    const { token, door, closable } = openDoor({});
    const operator = startOperator({ account, api, token, log, metrics: createOperatorMetrics(metrics), config });
    health.register('kubernetes', () => {
      if (!operator.synced()) throw new Error('not everything has been listed yet');
    });
    return {
      door,
      drain: () => operator.close(),
      shutdownMs: CLOSE_MS,
      closables: [{ name: 'kubernetes', close: () => api.close() }, closable, { name: 'operator', close: () => operator.close() }],
    };
  },
});
