import type { KubeObject } from '@runnel/kube';

/** `v1.Pod`, as far as it is read. */
export interface Pod extends KubeObject {
  spec?: { containers?: { name: string; image?: string }[] };
  status?: { podIP?: string; phase?: string; conditions?: { type: string; status: string }[] };
}

const COMPONENT = 'app.kubernetes.io/component';
export type Component = 'gateway' | 'ai' | 'audit';

export const componentOf = (pod: Pod): string | undefined => pod.metadata?.labels?.[COMPONENT];
export const isReady = (pod: Pod): boolean =>
  pod.metadata?.deletionTimestamp === undefined &&
  pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;

/** Where a pod is asked; undefined while it has no address, or has ended. */
export const addressOf = ({ status }: Pod, port: number): string | undefined => {
  if (!status?.podIP || status.phase === 'Succeeded' || status.phase === 'Failed') return undefined;
  return `http://${status.podIP.includes(':') ? `[${status.podIP}]` : status.podIP}:${port}`;
};
