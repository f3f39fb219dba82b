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

/** `apps/v1` ReplicaSet: the pods of one template of a Deployment. */
export interface ReplicaSet extends KubeObject {
  metadata?: NonNullable<KubeObject['metadata']> & { ownerReferences?: { uid: string }[] };
}

const REVISION = 'deployment.kubernetes.io/revision';

/**
 * `pod-template-hash` of the pods that the Deployment is to have; undefined while its controller has not seen what it says now. A template that
 * comes back gets the pods of its old ReplicaSet: the youngest pods may be of another. Pure.
 */
export const hashOf = ({ metadata, status }: Deployment, replicaSets: readonly ReplicaSet[]): string | undefined => {
  const revision = metadata?.annotations?.[REVISION];
  if (revision === undefined || (status?.observedGeneration ?? 0) < (metadata?.generation ?? 0)) return undefined;
  return replicaSets.find((set) => set.metadata?.annotations?.[REVISION] === revision && isOf(set, metadata?.uid))?.metadata?.labels?.[
    TEMPLATE_HASH
  ];
};

const isOf = ({ metadata }: ReplicaSet, uid: string | undefined): boolean =>
  metadata?.ownerReferences?.some((owner) => owner.uid === uid) ?? false;

/** Pods are still being exchanged, added or taken away. Pure. */
export const isMoving = ({ metadata, spec, status }: Deployment): boolean => {
  const wanted = spec?.replicas ?? 1;
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0 } = status ?? {};
  return observedGeneration < (metadata?.generation ?? 0) || updatedReplicas < wanted || replicas > wanted;
};
