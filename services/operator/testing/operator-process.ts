/** An operator in a process of its own, for tests that kill it or put it to sleep. All it needs is in its environment. */
import { createInnerToken, createMetrics, silentLog } from '@runnel/kit';
import { createKubeApi, type KubeAccount } from '@runnel/kube';
import { createOperatorMetrics } from '../src/metrics.ts';
import { startOperator } from '../src/operator.ts';
import { TIMING } from './timing.ts';

const { KUBE_SERVER = '', KUBE_CA = '', NAME = '', PODS_URL = '', PACE, MODELS_DIR = '' } = process.env;
const account: KubeAccount = { server: KUBE_SERVER, namespace: 'chat', ca: KUBE_CA, token: async () => 'admin-token' };
startOperator({
  ...{
    account,
    api: createKubeApi(account, { deadlineMs: 2_000 }),
    token: createInnerToken({ given: 'inner-token-of-a-test' }),
    log: silentLog,
  },
  metrics: createOperatorMetrics(createMetrics('operator', { processMetrics: false })),
  ...(PACE === 'quick' && { timing: TIMING }),
  config: { nodeId: NAME, release: 'runnel', instance: 'runnel', modelsDir: MODELS_DIR, keySecrets: [] },
  addressOfPod: (pod) => `${PODS_URL}/${pod.metadata!.name!}`,
});
