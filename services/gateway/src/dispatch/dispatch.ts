import type { Logger } from '@runnel/kit';
import type { RunRef } from '@runnel/coordination';
import type { AiPod, AiPods } from './ai-pods.ts';
import type { GatewayMetrics } from '../metrics.ts';

export interface Dispatcher {
  /** Offers a queued run to the AI pods until one takes it. Never rejects: a run nobody takes stays queued and is swept. */
  dispatch(run: RunRef): Promise<'accepted' | 'queued'>;
  close(): void;
}

/** `service`: one address for all of them, which chooses itself. */
export type DispatchPolicy = 'round-robin' | 'least-inflight' | 'service';

/** In which order pods are asked. Pure. Broken ones are not asked at all; equal load falls back to turns. */
export const askingOrder = <P extends Pick<AiPod, 'open' | 'load'>>(pods: readonly P[], policy: DispatchPolicy, turn: number): P[] => {
  const healthy = pods.filter((pod) => !pod.open);
  if (healthy.length === 0) return [];
  const first = turn % healthy.length;
  const turned = [...healthy.slice(first), ...healthy.slice(0, first)];
  return policy === 'least-inflight' ? turned.toSorted((a, b) => a.load - b.load) : turned;
};

export interface DispatcherDeps {
  pods: AiPods;
  policy: DispatchPolicy;
  metrics: Pick<GatewayMetrics, 'dispatches' | 'breakers'>;
  log: Logger;
  /** Where the turns start: gateways that start together must not all ask the same pod first. */
  firstTurn?: number;
}

export const createDispatcher = ({
  pods,
  policy,
  metrics,
  log,
  firstTurn = Math.floor(Math.random() * 1024),
}: DispatcherDeps): Dispatcher => {
  let turn = firstTurn;
  return {
    async dispatch(run) {
      const all = pods.list();
      for (const pod of askingOrder(all, policy, turn++)) {
        const offer = await pod.offer(run);
        metrics.dispatches.inc({ outcome: offer });
        if (offer === 'accepted' || offer === 'taken') return 'accepted';
        log.debug({ event: 'dispatch.refused', runId: run.runId, pod: pod.url, offer });
      }
      metrics.breakers.set(all.filter((pod) => pod.open).length);
      metrics.dispatches.inc({ outcome: 'queued' });
      log.info({ event: 'dispatch.queued', runId: run.runId, pods: all.length });
      return 'queued';
    },
    close: () => pods.close(),
  };
};
