/** What all objects of Kubernetes have, as far as we read it. */
export interface ObjectMeta {
  name?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata?: ObjectMeta;
}

/** `metav1.Condition`: what is true of an object, since when, and why. */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  lastTransitionTime: string;
  observedGeneration?: number;
}

/** What somebody says of a condition now; the time comes from `withConditions`. */
export type Said = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** The new conditions: one whose status is as before keeps its time. `at` is RFC 3339. Pure. */
export const withConditions = (before: readonly Condition[], said: readonly Said[], at: string, generation?: number): Condition[] =>
  said.map((now) => {
    const known = before.find(({ type }) => type === now.type);
    return {
      ...now,
      lastTransitionTime: known?.status === now.status ? known.lastTransitionTime : at,
      ...(generation !== undefined && { observedGeneration: generation }),
    };
  });
