import { ALL_VALUES } from './release.ts';

export const SHORT_DRAINS = ['gateway.drainSeconds=5', 'ai.drainSeconds=5'];
/** Pods of a dead node are made elsewhere after ten seconds, not after the five minutes that Kubernetes gives by itself. */
const SOON_ELSEWHERE = ['unreachable', 'not-ready'].flatMap((condition, i) => [
  `tolerations[${i}].key=node.kubernetes.io/${condition}`,
  `tolerations[${i}].operator=Exists`,
  `tolerations[${i}].effect=NoExecute`,
  `tolerations[${i}].tolerationSeconds=10`,
]);
/** Everything, for nodes that die and pods that go. */
export const VALUES = [...ALL_VALUES, ...SHORT_DRAINS, ...SOON_ELSEWHERE, 'audit.drainSeconds=5'];
