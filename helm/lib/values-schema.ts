import type { ConfigSpec } from '@runnel/kit';
import { ModelEntry } from '@runnel/protocol/http';
import { ToolEntry } from '../../services/ai/src/tools/tool-entry.ts';
import { configSpec as audit } from '../../services/audit/src/config.ts';
import { CAUSES } from '../../observability/alerts.ts';
import { alertsOf, buildRules } from '../../observability/lib/rules.ts';
import { readSlos } from '../../observability/lib/slo.ts';
import { budgetSettings } from '../../services/gateway/src/budgets/settings.ts';
import { configSpec as gateway } from '../../services/gateway/src/config.ts';
import { configSpec as ai } from '../../services/ai/src/config.ts';
import { configSpec as operator } from '../../services/operator/src/config.ts';
import { CLUSTER_SCRIPTS } from '../../scripts/lib/loadtest-bundles.ts';
import { PROFILES } from '../../loadtest/lib/profiles.ts';
import { anything, bool, definitions, integer, list, object, ref, text, unset, words, type Schema } from './kubernetes-schema.ts';
import { existingSecret, secretKeys, stores } from './stores-schema.ts';

const serviceValues = {
  type: words('ClusterIP', 'NodePort', 'LoadBalancer'),
  annotations: ref('annotations'),
  labels: ref('labels'),
  appProtocol: text(),
  nodePort: integer(0, 65_535),
  externalTrafficPolicy: words('', 'Cluster', 'Local'),
  internalTrafficPolicy: words('', 'Cluster', 'Local'),
  trafficDistribution: text(),
  ipFamilyPolicy: words('', 'SingleStack', 'PreferDualStack', 'RequireDualStack'),
  ipFamilies: list(words('IPv4', 'IPv6')),
  loadBalancerClass: text(),
  loadBalancerSourceRanges: list(ref('cidr')),
};

/** What all pods are like, and what each component may say of its own. */
export const pods: Record<string, Schema> = {
  podAnnotations: ref('annotations'),
  podLabels: ref('labels'),
  deploymentAnnotations: ref('annotations'),
  topologySpreadConstraints: list(ref('topologySpreadConstraint')),
  nodeSelector: ref('labels'),
  tolerations: list(ref('toleration')),
  affinity: ref('affinity'),
  priorityClassName: ref('name'),
  runtimeClassName: ref('name'),
  schedulerName: ref('name'),
  hostAliases: list(ref('hostAlias')),
  dnsPolicy: words('', 'ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'),
  dnsConfig: ref('dnsConfig'),
  podSecurityContext: ref('podSecurityContext'),
  securityContext: ref('securityContext'),
  extraEnv: list(ref('env')),
  extraEnvFrom: list(ref('envFrom')),
  extraVolumes: list(ref('volume')),
  extraVolumeMounts: list(ref('volumeMount')),
  initContainers: list(ref('container')),
  extraContainers: list(ref('container')),
  startupProbe: ref('probe'),
  readinessProbe: ref('probe'),
  livenessProbe: ref('probe'),
  deploymentStrategy: ref('strategy'),
  revisionHistoryLimit: unset(integer()),
  minReadySeconds: unset(integer()),
  progressDeadlineSeconds: unset(integer(1)),
  service: object(serviceValues),
};

/** What a component may say besides `pods`, and nobody says of all. */
export const ofOneComponent: Record<string, Schema> = {
  image: object({
    registry: text(),
    repository: text(),
    tag: text('^[A-Za-z0-9_]?[A-Za-z0-9._-]{0,127}$'),
    digest: text('^$|^sha256:[0-9a-f]{64}$'),
    pullPolicy: words('', 'IfNotPresent', 'Always', 'Never'),
  }),
  serviceAccount: object({ create: bool, name: ref('name'), annotations: ref('annotations') }),
};

const component = (own: Record<string, Schema>): Schema =>
  object({
    replicas: integer(),
    preStopSeconds: integer(),
    resources: ref('resources'),
    maxUnavailable: ref('someOrShare'),
    ...own,
    ...pods,
    ...ofOneComponent,
  });

/** What is not ours and still common: Node's, proxies, providers' keys, clouds. The rest goes through `extraEnv`. */
const FOREIGN =
  '^(NODE_|UV_|OTEL_|SSL_|OPENSSL_|PG|AWS_|AZURE_|GOOGLE_|TZ$|LANG$|LC_|([A-Z]+_)?PROXY$|[a-z]+_proxy$|.*_(API_KEY|KEY|TOKEN)$)';
/** Of one service: a name that is neither its own nor common is refused, for it would be read by nobody. */
const env = (spec: ConfigSpec): Schema => {
  const value: Schema = { type: ['string', 'number', 'boolean'] };
  return object(Object.fromEntries(Object.values(spec.settings).map((setting) => [setting.env, value])), {
    patternProperties: { [FOREIGN]: value },
  });
};
const drainSeconds = integer(1);
/** Days, or as many hours; the service itself refuses less than two days. */
const TERM = '^([0-9]+[dh])?$';

const autoscaling = (target: string): Schema =>
  object({
    enabled: bool,
    external: bool,
    minReplicas: integer(1),
    maxReplicas: integer(1),
    targetCPUValue: ref('quantityOrNothing'),
    targetCPU: integer(0, 1000),
    targetMemoryValue: ref('quantityOrNothing'),
    [target]: integer(),
    metrics: list(anything),
    behavior: ref('behavior'),
    keda: object({
      enabled: bool,
      prometheus: ref('url'),
      pollingInterval: integer(1),
      authenticationRef: ref('name'),
      triggers: list(anything),
      annotations: ref('annotations'),
    }),
  });

const operatorScale = object({
  enabled: bool,
  min: integer(1),
  max: integer(1),
  target: integer(1),
  upPerMinute: integer(1),
  downAfterSeconds: integer(10),
});

const monitored = { enabled: bool, labels: ref('labels'), annotations: ref('annotations') };

const properties: Record<string, Schema> = {
  global: { type: 'object', properties: { imageRegistry: text(), imagePullSecrets: list(anything) } },
  image: object({
    registry: text(),
    repository: text('^[^:@]*$'),
    tag: text('^[A-Za-z0-9_]?[A-Za-z0-9._-]{0,127}$'),
    pullPolicy: words('IfNotPresent', 'Always', 'Never'),
    pullSecrets: list(object({ name: text('.') }, { required: ['name'] })),
  }),
  gateway: component({ drainSeconds, env: env(gateway), autoscaling: autoscaling('targetSockets') }),
  ai: component({
    drainSeconds,
    env: env(ai),
    autoscaling: autoscaling('targetRuns'),
    maxRuns: integer(1),
    maxAnswerBytes: integer(1024),
    modelGoneSeconds: integer(),
    models: list(JSON.parse(JSON.stringify(ModelEntry)) as Schema),
    modelsConfigMap: ref('name'),
    tools: list(JSON.parse(JSON.stringify(ToolEntry)) as Schema),
    ...{ maxSteps: integer(1), titles: object({ model: text(), perMinute: integer(1) }) },
    existingSecret,
  }),
  audit: component({
    ...{ enabled: bool, drainSeconds, env: env(audit), checkpointSecret: ref('name'), migrationSecret: ref('name') },
    retention: object({ messages: text(TERM), runs: text(TERM) }),
  }),
  web: component({ enabled: bool }),
  operator: component({
    enabled: bool,
    env: env(operator),
    keySecrets: list(ref('name')),
    scaling: object({ gateways: operatorScale, ai: operatorScale }),
    rolloutGate: object({ enabled: bool, maxFailedPercent: integer(0, 100), minAnswers: integer(1), onBreach: words('Hold', 'Report') }),
  }),
  auth: object({
    mode: words('dev', 'jwt', 'oidc'),
    devModeOpen: bool,
    issuer: text(),
    audience: text(),
    jwksUrl: ref('url'),
    existingSecret,
    secretKeys: secretKeys('jwtSecret', 'jwtSecretPrevious'),
    signInUrl: text(String.raw`^$|^https?://|^/([^/\\].*)?$`),
    clientId: text(),
    clientSecret: ref('name'),
    publicUrl: ref('url'),
    testTokenSecret: ref('name'),
  }),
  internalToken: object({ existingSecret }),
  ...stores,
  ingress: object({
    enabled: bool,
    host: ref('hostOrNothing'),
    hosts: list(ref('host')),
    path: text(String.raw`^$|^/$|^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$`),
    className: ref('name'),
    controller: words('f5', 'ingress-nginx', 'gateway-api', 'other'),
    routing: words('round-robin', 'cookie'),
    annotations: ref('annotations'),
    labels: ref('labels'),
    tlsSecret: ref('name'),
    tls: list(object({ hosts: list(ref('host')), secretName: ref('name') })),
    extraPaths: list(object({ path: text('^/'), pathType: words('Prefix', 'Exact', 'ImplementationSpecific'), backend: anything })),
    gatewayName: ref('name'),
    gatewayNamespace: ref('name'),
    gatewaySectionName: ref('name'),
    parentRefs: list(anything),
    timeouts: object({ request: ref('duration'), backendRequest: ref('duration') }),
  }),
  certificate: object({
    enabled: bool,
    issuer: object({ name: ref('name'), kind: text('.'), group: text('.') }),
    duration: ref('durationOrNothing'),
    renewBefore: ref('durationOrNothing'),
  }),
  networkPolicy: object({
    enabled: bool,
    ingressNamespaceLabels: ref('labels'),
    ingressCIDRs: list(ref('cidr')),
    monitoringNamespaceLabels: ref('labels'),
    egressCIDRs: list(ref('cidr')),
    egressExcept: list(ref('cidr')),
    egressNamespaceLabels: ref('labels'),
    ambient: bool,
  }),
  serviceMonitor: object({
    ...monitored,
    interval: ref('duration'),
    scrapeTimeout: ref('durationOrNothing'),
    relabelings: list(anything),
    metricRelabelings: list(anything),
  }),
  dashboards: object(monitored),
  alerts: object({
    ...monitored,
    runbookBaseURL: ref('url'),
    additionalRuleLabels: ref('labels'),
    disabled: list(words(...alertsOf(buildRules(readSlos(), CAUSES)).map(({ alert }) => alert))),
    matchers: { type: ['object', 'null'], additionalProperties: text() },
  }),
  prober: object({ enabled: bool, schedule: text('^\\S+( \\S+){4}$'), keepSeconds: integer(60) }),
  loadTest: object({
    enabled: bool,
    image: text('\\S'),
    script: words(...CLUSTER_SCRIPTS),
    profile: words(...Object.keys(PROFILES)),
    url: text('^(wss?://.+)?$'),
    deadlineSeconds: integer(60),
    resources: ref('resources'),
  }),
  tracing: object({ endpoint: ref('url') }),
  logLevel: words('trace', 'debug', 'info', 'warn', 'error'),
  corsOrigins: list(text('^https?://[^/]+$')),
  deviceCopies: bool,
  rateLimitPerMinute: integer(1),
  limits: object(Object.fromEntries([...Object.keys(budgetSettings), 'maxApiKeysPerUser'].map((name) => [name, unset(integer())]))),
  trustProxy: { type: ['integer', 'string', 'boolean'] },
  files: object({ existingClaim: ref('name'), s3Url: { type: 'string', pattern: '^(s3://.+)?$' }, existingSecret, retention: text(TERM) }),
  nameOverride: ref('name'),
  fullnameOverride: ref('name'),
  commonLabels: ref('labels'),
  commonAnnotations: ref('annotations'),
  extraObjects: { type: 'array', items: { type: ['object', 'string'] } },
  openshift: object({ enabled: bool }),
  trustedCA: object({ configMap: ref('name') }),
  topologySpread: bool,
  serviceAccount: object({ annotations: ref('annotations') }),
  ...pods,
};

/** `values.schema.json`, as `npm run docs` writes it. Helm refuses values that it does not allow, and names their path. */
export const valuesSchema = (): string =>
  `${JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', title: 'Runnel values', ...object(properties), definitions }, null, 2)}\n`;
