import { withConditions, type Said } from '@runnel/kube';
import type { ChatCluster, ChatClusterStatus } from '../kinds/chat-cluster.ts';
import { isReady, type Component, type Pod } from '../observe/pods.ts';
import { isMoving, type Deployment } from './deployment.ts';

export interface PartInput {
  deployment: Deployment | undefined;
  pods: readonly Pod[];
  /** What each pod that was heard holds. */
  live: ReadonlyMap<string, number>;
}

export interface ClusterInput {
  cluster: ChatCluster;
  parts: Readonly<Record<Component, PartInput>>;
  models: { all: number; ready: number; failingNames: readonly string[] };
  /** What AI pods say is wrong with the file of models. */
  problems: readonly string[];
  held: string | undefined;
  now: number;
}

const MOST_VERSIONS = 8;

/** The image of a pod's own container: those beside it are not of the release. */
const imageOf = ({ spec, metadata }: Pod): string | undefined => {
  const component = metadata?.labels?.['app.kubernetes.io/component'];
  return (spec?.containers?.find(({ name }) => name === component) ?? spec?.containers?.[0])?.image;
};

const partOf = ({ deployment, pods, live }: PartInput, { counts }: { counts: boolean }): ChatClusterStatus['ai'] => {
  if (deployment === undefined) return undefined;
  const versions = [...new Set(pods.flatMap((pod) => imageOf(pod) ?? []))].toSorted().slice(0, MOST_VERSIONS);
  return {
    replicas: deployment.spec?.replicas ?? 1,
    ready: pods.filter(isReady).length,
    versions,
    ...(counts && { live: [...live.values()].reduce((sum, count) => sum + count, 0), heard: live.size }),
  };
};

const PARTS: readonly [Component, string][] = [
  ['gateway', 'gateways'],
  ['ai', 'AI pods'],
  ['audit', 'audit pods'],
];

const available = (parts: ClusterInput['parts']): Omit<Said, 'type'> => {
  const missing = PARTS.filter(([name]) => name !== 'audit' && !parts[name].pods.some(isReady)).map(([, words]) => words);
  return missing.length > 0
    ? { status: 'False', reason: 'NoPods', message: `There are no ${missing.join(' and no ')} that take part.` }
    : { status: 'True', reason: 'Serving', message: 'People can ask and are answered.' };
};

const progressing = (parts: ClusterInput['parts']): Omit<Said, 'type'> => {
  const moving = PARTS.filter(([name]) => parts[name].deployment !== undefined && isMoving(parts[name].deployment!)).map(
    ([, words]) => words,
  );
  return moving.length > 0
    ? { status: 'True', reason: 'Moving', message: `Pods are exchanged, added or taken away: ${moving.join(', ')}.` }
    : { status: 'False', reason: 'Settled', message: 'Everything is as it was asked for.' };
};

/** Every reason why it is less than it should be, worst first. */
const troubles = ({ parts, models, problems, held }: ClusterInput): [reason: string, message: string][] => [
  ...(held === undefined ? [] : [['RolloutHeld', `The rollout of the AI pods is held: ${held}.`] as [string, string]]),
  ...PARTS.flatMap(([name, words]): [string, string][] => {
    const { deployment, pods } = parts[name];
    if (deployment === undefined) return [];
    const stuck = deployment.status?.conditions?.find(({ type, status }) => type === 'Progressing' && status === 'False');
    if (stuck) return [['RolloutStuck', `The rollout of the ${words} does not move: ${stuck.reason ?? 'no reason is given'}.`]];
    const missing = (deployment.spec?.replicas ?? 1) - pods.filter(isReady).length;
    return missing > 0 && !isMoving(deployment) ? [['PodsNotReady', `${missing} of the ${words} are not ready.`]] : [];
  }),
  ...(problems.length === 0 ? [] : [['ModelsRefused', `AI pods refuse the file of models: ${problems.join('; ')}`] as [string, string]]),
  ...(models.failingNames.length === 0
    ? []
    : [['ModelsNotReady', `Models that are not ready: ${models.failingNames.join(', ')}.`] as [string, string]]),
  ...PARTS.flatMap(([name, words]): [string, string][] => {
    const unheard =
      name === 'audit' ? [] : parts[name].pods.filter((pod) => isReady(pod) && !parts[name].live.has(pod.metadata?.name ?? ''));
    return unheard.length === 0 ? [] : [['Unheard', `${unheard.length} of the ${words} do not tell how they are.`]];
  }),
];

/** The status of the release. Pure: the same situation gives the same status, times included. */
export const clusterStatus = (input: ClusterInput): ChatClusterStatus => {
  const { cluster, parts, models, now } = input;
  const at = `${new Date(now).toISOString().slice(0, 19)}Z`;
  const found = troubles(input);
  const degraded: Omit<Said, 'type'> =
    found.length > 0
      ? {
          status: 'True',
          reason: found[0]![0],
          message: found
            .map(([, message]) => message)
            .join(' ')
            .slice(0, 2_000),
        }
      : { status: 'False', reason: 'Whole', message: 'Nothing is missing.' };
  const generation = cluster.metadata?.generation;
  const [gateways, ai, audit] = [
    partOf(parts.gateway, { counts: true }),
    partOf(parts.ai, { counts: true }),
    partOf(parts.audit, { counts: false }),
  ];
  return {
    ...(generation !== undefined && { observedGeneration: generation }),
    ...(gateways && { gateways }),
    ...(ai && { ai }),
    ...(audit && { audit }),
    models: `${models.ready}/${models.all}`,
    conditions: withConditions(
      cluster.status?.conditions ?? [],
      [
        { type: 'Available', ...available(parts) },
        { type: 'Progressing', ...progressing(parts) },
        { type: 'Degraded', ...degraded },
      ],
      at,
      generation,
    ),
  };
};
