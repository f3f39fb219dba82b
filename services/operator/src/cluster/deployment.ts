import { createHash } from 'node:crypto';
import type { KubeObject } from '@runnel/kube';

/** `apps/v1` Deployment, as far as it is read. */
export interface Deployment extends KubeObject {
  spec?: { replicas?: number; paused?: boolean; template?: object };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
}

export const TEMPLATE_HASH = 'pod-template-hash';

/** Tells two templates apart: a paused Deployment gives a new one no name of its own. */
export const templateOf = ({ spec }: Deployment): string =>
  createHash('sha256')
    .update(JSON.stringify(spec?.template ?? {}))
    .digest('hex')
    .slice(0, 16);

/** Pods are still being exchanged, added or taken away. Pure. */
export const isMoving = ({ metadata, spec, status }: Deployment): boolean => {
  const wanted = spec?.replicas ?? 1;
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0 } = status ?? {};
  return observedGeneration < (metadata?.generation ?? 0) || updatedReplicas < wanted || replicas > wanted;
};
