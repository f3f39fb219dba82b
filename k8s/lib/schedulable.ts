/** What of a node says whether ordinary pods may come to it. */
export interface NodeSpec {
  metadata: { name: string };
  spec: { unschedulable?: boolean; taints?: { key: string; effect: string }[] };
}

/** Names of the nodes that take pods without a toleration: a control plane mostly does not, and is never ours to drain or to kill. */
export const schedulable = (nodes: readonly NodeSpec[]): string[] =>
  nodes
    .filter(
      ({ spec: { unschedulable = false, taints = [] } }) => !unschedulable && taints.every(({ effect }) => effect === 'PreferNoSchedule'),
    )
    .map(({ metadata }) => metadata.name);
