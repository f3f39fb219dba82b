import { delay, fullJitter, type InnerToken, type Logger } from '@runnel/kit';
import { StatusError, electLeader, type KubeAccount, type KubeApi, type KubeObject, type LeaderTiming } from '@runnel/kube';
import { createEvents } from './act/events.ts';
import { NotLeading, createWriter } from './act/writer.ts';
import type { ReplicaSet } from './cluster/deployment.ts';
import { createCluster } from './cluster/look.ts';
import type { OperatorMetrics } from './metrics.ts';
import { createModels } from './models/look.ts';
import { createFigures, type FiguresOptions } from './observe/figures.ts';
import { watchWorld } from './observe/world.ts';

export interface OperatorDeps {
  account: KubeAccount;
  api: KubeApi;
  token: InnerToken;
  log: Logger;
  metrics: OperatorMetrics;
  config: {
    nodeId: string;
    /** What the release's objects begin with; name of its ChatCluster. */
    release: string;
    /** `app.kubernetes.io/instance` */
    instance: string;
    /** Where pods mount what is published. */
    modelsDir: string;
    keySecrets: readonly string[];
  };
  timing?: { leader?: LeaderTiming; everyMs?: number; soonMs?: number; togetherMs?: number };
  addressOfPod?: FiguresOptions['addressOfPod'];
}

/** A look without a reason, so that a Secret that changed and a figure that moved are seen. */
const EVERY_MS = 8_000;
/** While somebody waits for the outcome of a change. */
const SOON_MS = 1_000;
/** Changes that come together are one, and a busy cluster is no reason to ask its pods all the time. */
const TOGETHER_MS = 250;
const BACKOFF = { baseMs: 250, maxMs: 3_000 };

/**
 * Watches, and looks at everything whenever something changed: what there should be is decided from what is there, so it makes no difference
 * what happened between two looks, or to whom. Only the leader writes.
 */
export const startOperator = (deps: OperatorDeps) => {
  const { account, api, token, log, metrics, config, timing = {} } = deps;
  const { everyMs = EVERY_MS, soonMs = SOON_MS, togetherMs = TOGETHER_MS } = timing;
  const stopped = new AbortController();
  const { signal } = stopped;
  let changed = Promise.withResolvers<void>();
  const poke = (): void => changed.resolve();

  const { world, done: watched } = watchWorld({
    account,
    api,
    instance: config.instance,
    onChange: poke,
    onOutcome: (kind, outcome) => metrics.watched(kind, outcome),
    onFailure: (kind, err) => log.warn({ event: 'watch.failed', kind, err }),
    signal,
  });
  const ownerReferences = (): readonly unknown[] =>
    world.deployments
      .filter(({ metadata }) => metadata?.name === `${config.release}-operator`)
      .map(({ metadata }) => ({ apiVersion: 'apps/v1', kind: 'Deployment', name: metadata!.name, uid: metadata!.uid }));
  const leader = electLeader({
    ...{ api, name: `${config.release}-operator`, me: `${config.nodeId}-${crypto.randomUUID().slice(0, 8)}`, signal },
    onChange(leads) {
      metrics.leads(leads);
      if (leads) log.info({ event: 'leader.began' });
      else log.info({ event: 'leader.ended' });
      poke();
    },
    onFailure: (err) => log.warn({ event: 'leader.failed', err }),
    ...(timing.leader && { timing: timing.leader }),
  });
  const figures = createFigures({
    token,
    onOutcome: metrics.asked,
    ...(deps.addressOfPod && { addressOfPod: deps.addressOfPod }),
  });
  const events = createEvents(api, 'runnel-operator');
  const writer = createWriter({
    ...{ api, leads: leader.leads, onWrite: metrics.wrote },
    onRefused: (what, err) => log.warn({ event: 'write.refused', what, err }),
  });
  const lookAtModels = createModels({
    ...{ api, writer, events, release: config.release, dir: config.modelsDir, keySecrets: config.keySecrets, ownerReferences },
    labels: {
      'app.kubernetes.io/name': 'runnel',
      'app.kubernetes.io/instance': config.instance,
      'app.kubernetes.io/managed-by': 'runnel-operator',
    },
    onFailure: (err) => log.warn({ event: 'key.unread', err }),
  });
  const replicaSets = async (): Promise<readonly ReplicaSet[]> => {
    const path = `/apis/apps/v1/namespaces/${api.namespace}/replicasets`;
    const labelSelector = `app.kubernetes.io/instance=${config.instance},app.kubernetes.io/component=ai`;
    try {
      return (await api.get<KubeObject & { items?: ReplicaSet[] }>(path, { labelSelector, resourceVersion: '0' })).items ?? [];
    } catch (err) {
      // Without the right no rollout is held; everything else goes on.
      if (!(err instanceof StatusError && err.status === 403)) throw err;
      log.warn({ event: 'look.failed', err });
      return [];
    }
  };
  const lookAtCluster = createCluster({ writer, events, release: config.release, replicaSets, onScale: metrics.scaled });

  /** How long the next look may wait. */
  const look = async (): Promise<number> => {
    if (!leader.leads() || !world.synced()) return everyMs;
    const startedAt = performance.now();
    await figures.ask(world.pods);
    const told = figures.told();
    const models = await lookAtModels(world.models, world.pods, told, Date.now());
    await lookAtCluster(world, told, models, Date.now());
    metrics.looked(models, (performance.now() - startedAt) / 1000);
    return models.waiting ? soonMs : everyMs;
  };

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!signal.aborted) {
      changed = Promise.withResolvers<void>();
      let waitMs: number;
      try {
        waitMs = await look();
        failures = 0;
      } catch (err) {
        if (!(err instanceof NotLeading)) {
          metrics.failed();
          log.warn({ event: 'look.failed', err });
        }
        waitMs = fullJitter({ attempt: failures++, ...BACKOFF });
        await delay(waitMs, signal);
        continue;
      }
      const idle = new AbortController();
      await Promise.race([changed.promise, delay(waitMs, AbortSignal.any([signal, idle.signal]))]);
      idle.abort();
      await delay(togetherMs, signal);
    }
  };
  const running = run();

  return {
    leads: leader.leads,
    synced: world.synced,
    async close(): Promise<void> {
      stopped.abort();
      await running;
      await leader.done;
      await watched;
      await figures.close();
    },
  };
};
