/** A part of a JSON schema (draft 7). */
export type Schema = Record<string, unknown>;

/** An object that knows its keys. */
export const object = (properties: Record<string, Schema>, more: Schema = {}): Schema => ({
  type: 'object',
  additionalProperties: false,
  ...more,
  properties,
});
export const text = (pattern?: string): Schema => (pattern === undefined ? { type: 'string' } : { type: 'string', pattern });
export const bool: Schema = { type: 'boolean' };
export const integer = (minimum = 0, maximum?: number): Schema => ({
  type: 'integer',
  minimum,
  ...(maximum === undefined ? {} : { maximum }),
});
export const list = (items: Schema): Schema => ({ type: 'array', items });
export const words = (...all: string[]): Schema => ({ enum: [...new Set(all)] });
export const ref = (name: keyof typeof definitions): Schema => ({ $ref: `#/definitions/${name}` });
/** What may also be `null`: not said. */
export const unset = (schema: Schema): Schema => ({ ...schema, type: [schema['type'], 'null'] });
/** Kubernetes' own, which it checks itself. */
export const anything: Schema = { type: 'object' };

const BYTE = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const LABEL = '([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?';
const DNS = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*';
const NUMBER = '[0-9]+(\\.[0-9]+)?';

const ids = { runAsUser: integer(), runAsGroup: integer(), runAsNonRoot: bool };
const security = { ...ids, seccompProfile: anything, seLinuxOptions: anything, windowsOptions: anything, appArmorProfile: anything };
const keyRef = object({ name: text(), key: text(), optional: bool }, { required: ['key'] });
const sourceRef = object({ name: text(), optional: bool });

/** Kinds of values that stand in many places. A value that is null is one that is not set. */
export const definitions = {
  quantity: { type: ['string', 'number'], pattern: `^${NUMBER}(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|[eE][0-9]+)?$`, minimum: 0 },
  quantityOrNothing: { type: ['string', 'number'], pattern: `^(${NUMBER}(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|[eE][0-9]+)?)?$`, minimum: 0 },
  cidr: text(`^(${BYTE}\\.){3}${BYTE}/([0-9]|[12][0-9]|3[0-2])$|^[0-9a-fA-F:]*:[0-9a-fA-F:.]*/([0-9]|[1-9][0-9]|1[01][0-9]|12[0-8])$`),
  host: { ...text(`^(\\*\\.)?${DNS}$`), maxLength: 253 },
  hostOrNothing: { ...text(`^((\\*\\.)?${DNS})?$`), maxLength: 253 },
  /** Of an object of Kubernetes, or nothing. */
  name: { ...text(`^(${DNS})?$`), maxLength: 253 },
  /** Of a key in a Secret. */
  key: text('^[-._a-zA-Z0-9]+$'),
  labels: { type: 'object', additionalProperties: { type: 'string', pattern: `^${LABEL}$`, maxLength: 63 } },
  annotations: { type: 'object', additionalProperties: text() },
  duration: text('^([0-9]+(ms|s|m|h|d|w|y))+$'),
  durationOrNothing: text('^([0-9]+(ms|s|m|h|d|w|y))*$'),
  url: text('^$|^https?://[^\\s]+$'),
  someOrShare: { type: ['integer', 'string'], minimum: 1, pattern: '^([1-9][0-9]?|100)%$' },
  resources: object({
    requests: { type: 'object', additionalProperties: { $ref: '#/definitions/quantity' } },
    limits: { type: 'object', additionalProperties: { $ref: '#/definitions/quantity' } },
  }),
  toleration: object({
    key: text(),
    operator: words('Exists', 'Equal', 'Lt', 'Gt'),
    value: text(),
    effect: words('', 'NoSchedule', 'PreferNoSchedule', 'NoExecute'),
    tolerationSeconds: integer(),
  }),
  affinity: object({ nodeAffinity: anything, podAffinity: anything, podAntiAffinity: anything }),
  topologySpreadConstraint: object(
    {
      maxSkew: integer(1),
      topologyKey: text('.'),
      whenUnsatisfiable: words('DoNotSchedule', 'ScheduleAnyway'),
      labelSelector: anything,
      matchLabelKeys: list(text()),
      minDomains: integer(1),
      nodeAffinityPolicy: words('Honor', 'Ignore'),
      nodeTaintsPolicy: words('Honor', 'Ignore'),
    },
    { required: ['maxSkew', 'topologyKey', 'whenUnsatisfiable'] },
  ),
  podSecurityContext: object({
    ...security,
    fsGroup: integer(),
    fsGroupChangePolicy: words('Always', 'OnRootMismatch'),
    supplementalGroups: list(integer()),
    supplementalGroupsPolicy: words('Merge', 'Strict'),
    seLinuxChangePolicy: text(),
    sysctls: list(object({ name: text(), value: text() })),
  }),
  securityContext: object({
    ...security,
    allowPrivilegeEscalation: bool,
    readOnlyRootFilesystem: bool,
    privileged: bool,
    procMount: text(),
    capabilities: object({ add: list(text()), drop: list(text()) }),
  }),
  env: object(
    {
      name: text('^[A-Za-z_][A-Za-z0-9_.-]*$'),
      value: text(),
      valueFrom: object(
        { secretKeyRef: keyRef, configMapKeyRef: keyRef, fieldRef: anything, resourceFieldRef: anything, fileKeyRef: anything },
        { minProperties: 1, maxProperties: 1 },
      ),
    },
    { required: ['name'] },
  ),
  envFrom: object({ prefix: text(), secretRef: sourceRef, configMapRef: sourceRef }),
  volume: { type: 'object', required: ['name'], minProperties: 2, properties: { name: text('.') } },
  volumeMount: object(
    {
      name: text('.'),
      mountPath: text('^/'),
      subPath: text(),
      subPathExpr: text(),
      readOnly: bool,
      recursiveReadOnly: text(),
      mountPropagation: text(),
    },
    { required: ['name', 'mountPath'] },
  ),
  container: { type: 'object', required: ['name', 'image'], properties: { name: text('.'), image: text('.') } },
  probe: object(
    Object.fromEntries(
      ['initialDelaySeconds', 'periodSeconds', 'timeoutSeconds', 'failureThreshold', 'successThreshold'].map((name) => [name, integer()]),
    ),
  ),
  hostAlias: object({ ip: text('.'), hostnames: list(text('.')) }, { required: ['ip', 'hostnames'] }),
  dnsConfig: object({
    nameservers: list(text()),
    searches: list(text()),
    options: list(object({ name: text(), value: text() })),
  }),
  strategy: object({
    type: words('RollingUpdate', 'Recreate'),
    rollingUpdate: {
      type: ['object', 'null'],
      additionalProperties: false,
      properties: { maxUnavailable: { type: ['integer', 'string'] }, maxSurge: { type: ['integer', 'string'] } },
    },
  }),
  behavior: object({ scaleUp: anything, scaleDown: anything }),
} satisfies Record<string, Schema>;
