import type { KubeApi, KubeObject } from '@runnel/kube';

export interface Happening {
  of: KubeObject;
  type: 'Normal' | 'Warning';
  /** One word. */
  reason: string;
  message: string;
}

const PER_MINUTE = 60;

/** Events that people read with `kubectl describe`. Best effort and bounded: what is true stands in the status. */
export const createEvents = (api: KubeApi, component: string, now: () => number = () => performance.now()) => {
  let told: number[] = [];
  return {
    tell({ of, type, reason, message }: Happening): void {
      told = told.filter((at) => now() - at < 60_000);
      if (told.length >= PER_MINUTE) return;
      told.push(now());
      const time = new Date().toISOString();
      const { name = '', namespace = api.namespace, uid, resourceVersion } = of.metadata ?? {};
      const event = {
        ...{ apiVersion: 'v1', kind: 'Event' },
        metadata: { generateName: `${name}.`.slice(0, 200), namespace },
        involvedObject: { apiVersion: of.apiVersion, kind: of.kind, name, namespace, uid, resourceVersion },
        ...{ type, reason, message: message.slice(0, 1_000), count: 1, firstTimestamp: time, lastTimestamp: time },
        ...{ source: { component }, reportingComponent: component },
      };
      void api.create(`/api/v1/namespaces/${namespace}/events`, event).catch(() => undefined);
    },
  };
};
export type Events = ReturnType<typeof createEvents>;
