import type { ChatClusterSpec } from '../kinds/chat-cluster.ts';
import { templateOf, type Deployment } from './deployment.ts';

/** What a pod's answers came to since it started. */
export interface PodAnswers {
  /** Of its ReplicaSet. */
  template: string;
  ok: number;
  failed: number;
}

export const HELD = 'runnel.dev/held';

export type GateStep =
  | { word: 'open' }
  /** New pods break answers: the Deployment is to be paused. */
  | { word: 'hold'; why: string; template: string }
  /** It is paused by us, and nothing has changed. */
  | { word: 'held' }
  /** Its template has changed since: the new one gets its chance. */
  | { word: 'release' };

const percentOf = (pods: readonly PodAnswers[]): { ended: number; percent: number } => {
  const failed = pods.reduce((sum, pod) => sum + pod.failed, 0);
  const ended = failed + pods.reduce((sum, pod) => sum + pod.ok, 0);
  return { ended, percent: ended === 0 ? 0 : (100 * failed) / ended };
};

/**
 * Whether a rollout goes on; `current` names the pods that its template makes, undefined: nobody knows yet. A template that somebody resumed
 * after it was held is not held again: people know more. Pure.
 */
export const gateStep = (
  gate: NonNullable<ChatClusterSpec['rolloutGate']>,
  deployment: Deployment,
  pods: readonly PodAnswers[],
  current: string | undefined,
): GateStep => {
  const template = templateOf(deployment);
  const held = deployment.metadata?.annotations?.[HELD];
  const paused = deployment.spec?.paused === true;
  if (held !== undefined && held !== template) return { word: 'release' };
  if (held !== undefined) return paused ? { word: 'held' } : { word: 'open' };
  if (paused || current === undefined) return { word: 'open' };
  const [fresh, old] = [pods.filter((pod) => pod.template === current), pods.filter((pod) => pod.template !== current)];
  // With no pod of before there is nothing that a pause would save.
  if (old.length === 0) return { word: 'open' };
  const [now, before] = [percentOf(fresh), percentOf(old)];
  if (now.ended < gate.minAnswers || now.percent <= gate.maxFailedPercent || now.percent <= before.percent) return { word: 'open' };
  const why = `${Math.round(now.percent)} % of ${now.ended} answers of the new pods failed, of the old ones ${Math.round(before.percent)} %`;
  return { word: 'hold', why, template };
};

/** What to write into the Deployment. Pure. */
export const gatePatch = (step: Extract<GateStep, { word: 'hold' | 'release' }>): object =>
  step.word === 'hold'
    ? { metadata: { annotations: { [HELD]: step.template } }, spec: { paused: true } }
    : { metadata: { annotations: { [HELD]: null } }, spec: { paused: null } };
