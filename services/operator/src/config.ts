import { commonSettings, defineConfig, portSettings, setting } from '@runnel/kit';
import { ACCOUNT_DIR } from '@runnel/kube';

/** It knows no Redis, and has no interface but the inner one. */
const common = Object.fromEntries(Object.entries(commonSettings).filter(([name]) => name !== 'port' && !name.startsWith('redis'))) as Omit<
  typeof commonSettings,
  'port' | `redis${string}`
>;
const NAME = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$';

export const configSpec = defineConfig({
  ...common,
  internalPort: portSettings(0, 9083).internalPort,
  release: setting.string('RELEASE', {
    pattern: NAME,
    description: 'What the names of the release’s objects begin with, and the name of its ChatCluster',
  }),
  instance: setting.string('RELEASE_INSTANCE', { description: 'The label `app.kubernetes.io/instance` of the release’s objects' }),
  modelsDir: setting.string('MODELS_DIR', {
    default: '/etc/runnel/models',
    pattern: '^/.*[^/]$',
    description: 'Where AI pods and gateways mount what is published',
  }),
  keySecrets: setting.list('KEY_SECRETS', {
    default: [],
    description: 'Secrets that ChatModels may name without the label `runnel.dev/model-keys`; comma-separated',
  }),
  accountDir: setting.string('SERVICE_ACCOUNT_DIR', {
    default: ACCOUNT_DIR,
    description: 'Where Kubernetes mounts the token of the pod, its authority and its namespace',
  }),
  kubernetesHost: setting.string('KUBERNETES_SERVICE_HOST', { description: 'Set by Kubernetes: host of its API' }),
  kubernetesPort: setting.integer('KUBERNETES_SERVICE_PORT_HTTPS', { default: 443, description: 'Set by Kubernetes: port of its API' }),
});
