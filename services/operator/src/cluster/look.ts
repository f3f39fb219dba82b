import { isDeepStrictEqual } from 'node:util';
import type { Events } from '../act/events.ts';
import type { Writer } from '../act/writer.ts';
import type { ChatCluster, Scale } from '../kinds/chat-cluster.ts';
import type { ModelsLook } from '../models/look.ts';
import type { Told } from '../observe/figures.ts';
import { componentOf, isReady, type Component, type Pod } from '../observe/pods.ts';
import type { World } from '../observe/world.ts';
import { TEMPLATE_HASH, hashOf, isMoving, type Deployment, type ReplicaSet } from './deployment.ts';
import { gatePatch, gateStep, type PodAnswers } from './gate.ts';
import { NOTHING_REMEMBERED, deletionCosts, scaleStep, type ScaleMemory } from './scale.ts';
import { clusterStatus, type PartInput } from './status.ts';

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';

export interface ClusterOptions {
  writer: Writer;
  events: Events;
  /** Name of the ChatCluster, and what the Deployments' names begin with. */
  release: string;
  /** Of the release; asked while pods of more than one template run. */
  replicaSets(): Promise<readonly ReplicaSet[]>;
  onScale(component: Component, replicas: number): void;
  now?: () => number;
}

const COMPONENTS: readonly Component[] = ['gateway', 'ai', 'audit'];
const liveOf = (one: Told): number => (one.component === 'ai' ? one.figures.runs : one.figures.sockets);

/** One look at the release: scales it, holds a rollout that breaks answers, and says how it is. */
export const createCluster = ({ writer, events, release, replicaSets, onScale, now = () => performance.now() }: ClusterOptions) => {
  const memories = new Map<Component, ScaleMemory>();

  const scale = async (of: ChatCluster, component: Component, spec: Scale | undefined, part: PartInput): Promise<void> => {
    const { deployment, pods, live } = part;
    if (spec === undefined || deployment === undefined) return void memories.delete(component);
    const replicas = deployment.spec?.replicas ?? 1;
    const ready = pods.filter(isReady);
    const all = !isMoving(deployment) && ready.length > 0 && ready.every(({ metadata }) => live.has(metadata?.name ?? ''));
    const total = [...live.values()].reduce((sum, count) => sum + count, 0);
    const memory = memories.get(component) ?? NOTHING_REMEMBERED;
    const step = scaleStep({ spec, replicas, live: total, all, memory, now: now() });
    memories.set(component, step.memory);
    if (step.replicas === replicas) return;
    if (step.replicas < replicas)
      for (const [pod, cost] of deletionCosts(live))
        if (pods.find(({ metadata }) => metadata?.name === pod)?.metadata?.annotations?.[DELETION_COST] !== cost)
          await writer.annotatePod(pod, { [DELETION_COST]: cost });
    if ((await writer.scale(deployment.metadata!.name!, step.replicas)) !== 'written') return;
    onScale(component, step.replicas);
    events.tell({
      of,
      type: 'Normal',
      reason: 'Scaled',
      message: `${component}: ${replicas} to ${step.replicas} pods, for ${total} live.`,
    });
  };

  const answersOf = (pods: readonly Pod[], told: ReadonlyMap<string, Told>): PodAnswers[] =>
    pods.flatMap(({ metadata }) => {
      const one = told.get(metadata?.name ?? '');
      const template = metadata?.labels?.[TEMPLATE_HASH];
      if (one?.component !== 'ai' || template === undefined) return [];
      return [{ template, ...one.figures.ended }];
    });

  /** Why a rollout is held; undefined: none is. */
  const gate = async (of: ChatCluster, { deployment, pods }: PartInput, told: ReadonlyMap<string, Told>): Promise<string | undefined> => {
    const asked = of.spec.rolloutGate;
    if (asked === undefined || deployment === undefined) return undefined;
    const answers = answersOf(pods, told);
    const isMixed = new Set(answers.map(({ template }) => template)).size > 1;
    const step = gateStep(asked, deployment, answers, isMixed ? hashOf(deployment, await replicaSets()) : undefined);
    const name = deployment.metadata!.name!;
    if (step.word === 'open') return undefined;
    if (step.word === 'held') return 'its new pods broke answers; change the template, or resume it (kubectl rollout resume)';
    const acts = asked.onBreach === 'Hold' && !of.spec.paused;
    if (step.word === 'release') {
      if (acts) await writer.patchDeployment(name, gatePatch(step));
      return undefined;
    }
    if (!acts) return `${step.why} (it goes on)`;
    if ((await writer.patchDeployment(name, gatePatch(step))) !== 'written') return `${step.why} (it could not be held)`;
    events.tell({ of, type: 'Warning', reason: 'RolloutHeld', message: `${name}: ${step.why}.` });
    return step.why;
  };

  return async (world: World, told: ReadonlyMap<string, Told>, models: ModelsLook, at: number): Promise<void> => {
    const found = world.clusters.find(({ metadata }) => metadata?.name === release && metadata.deletionTimestamp === undefined);
    if (found === undefined) return;
    const cluster = { ...found, apiVersion: 'runnel.dev/v1alpha1', kind: 'ChatCluster' };
    const partOf = (component: Component): PartInput => {
      const pods = world.pods.filter((pod) => componentOf(pod) === component && pod.metadata?.deletionTimestamp === undefined);
      const deployment: Deployment | undefined = world.deployments.find(({ metadata }) => metadata?.name === `${release}-${component}`);
      const live = new Map(
        pods.flatMap(({ metadata }) => {
          const one = told.get(metadata?.name ?? '');
          return one ? [[one.pod, liveOf(one)] as const] : [];
        }),
      );
      return { pods, deployment, live };
    };
    const parts = Object.fromEntries(COMPONENTS.map((component) => [component, partOf(component)])) as Record<Component, PartInput>;
    if (!cluster.spec.paused) {
      await scale(cluster, 'gateway', cluster.spec.gateways, parts.gateway);
      await scale(cluster, 'ai', cluster.spec.ai, parts.ai);
    }
    const held = await gate(cluster, parts.ai, told);
    const problems = [...new Set([...told.values()].flatMap((one) => (one.component === 'ai' ? one.figures.problems : [])))];
    const status = clusterStatus({ cluster: found, parts, models, problems, held, now: at });
    if (!isDeepStrictEqual(found.status, status)) await writer.status('ChatCluster', 'chatclusters', release, status);
  };
};
