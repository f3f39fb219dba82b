import { delay } from '@runnel/kit';
import { StatusError, type KubeApi } from './api.ts';
import type { KubeObject } from './objects.ts';

/** `coordination.k8s.io/v1`, as far as an election needs it. */
export interface Lease extends KubeObject {
  spec?: {
    holderIdentity?: string | null;
    leaseDurationSeconds?: number;
    acquireTime?: string | null;
    renewTime?: string | null;
    leaseTransitions?: number;
  };
}

export interface LeaderTiming {
  /** How long others wait for a leader that says nothing. */
  leaseMs: number;
  /** A leader that could not renew for so long is none any more; less than `leaseMs`, so that two never lead at once. */
  giveUpMs: number;
  /** How often it is renewed, or looked at. */
  everyMs: number;
}

export const LEADER_TIMING: LeaderTiming = { leaseMs: 8_000, giveUpMs: 5_000, everyMs: 2_000 };

/** What this process has seen of a Lease: its last change, by this process's own clock. Other machines' clocks are not asked. */
export interface SeenLease {
  holder: string;
  renewTime: string;
  at: number;
}

/**
 * What is next: `renew` one's own, `take` one that nobody holds or that has not changed for its whole length, or `wait`.
 * `now` and `seen.at` are ms of one monotonic clock. Pure.
 */
export const nextStep = (lease: Lease | null, me: string, seen: SeenLease | undefined, now: number): 'renew' | 'take' | 'wait' => {
  const { holderIdentity, leaseDurationSeconds = 0, renewTime } = lease?.spec ?? {};
  if (!holderIdentity) return 'take';
  if (holderIdentity === me) return 'renew';
  const same = seen !== undefined && seen.holder === holderIdentity && seen.renewTime === (renewTime ?? '');
  return same && now - seen.at >= leaseDurationSeconds * 1000 ? 'take' : 'wait';
};

export interface LeaderOptions {
  api: KubeApi;
  name: string;
  /** Unlike any other process's, and another one after a restart. */
  me: string;
  /** Owners of the Lease, so that it goes with them. */
  ownerReferences?: readonly unknown[];
  onChange(leads: boolean): void;
  onFailure?(error: unknown): void;
  signal: AbortSignal;
  timing?: LeaderTiming;
  now?: () => number;
}

export interface Leader {
  /** Asked before each write: false as soon as the lease might be another's, also where the process was asleep. */
  leads(): boolean;
  /** Resolves when the signal has aborted and the Lease was given back. */
  done: Promise<void>;
}

/** The Lease is another's by now, or gone. */
const hasChanged = (error: unknown): boolean => error instanceof StatusError && (error.status === 409 || error.status === 404);

/** One of all processes that say the same name leads. It gives the Lease back when it ends in order; else others wait for its length. */
export const electLeader = (options: LeaderOptions): Leader => {
  const { api, name, me, onChange, onFailure, signal, timing = LEADER_TIMING, now = () => performance.now() } = options;
  const base = `/apis/coordination.k8s.io/v1/namespaces/${api.namespace}/leases`;
  let seen: SeenLease | undefined;
  let renewedAt = Number.NEGATIVE_INFINITY;
  let said = false;
  /** The Lease as this process wrote it last; null: it has to be read. */
  let mine: Lease | null = null;

  const leads = (): boolean => now() - renewedAt < timing.giveUpMs;
  const tell = (): void => {
    if (leads() === said) return;
    said = !said;
    onChange(said);
  };
  let giveUp: NodeJS.Timeout | undefined;
  /** A lease that runs out while the server does not answer must be noticed without an answer. A timer may come a millisecond early. */
  const tellOnceOver = (): void => {
    clearTimeout(giveUp);
    giveUp = setTimeout(() => (leads() ? tellOnceOver() : tell()), Math.max(renewedAt + timing.giveUpMs - now(), 0) + 1).unref();
  };
  const specFor = (lease: Lease | null, time: string): Lease['spec'] => ({
    holderIdentity: me,
    leaseDurationSeconds: Math.ceil(timing.leaseMs / 1000),
    acquireTime: lease?.spec?.holderIdentity === me ? (lease.spec.acquireTime ?? time) : time,
    renewTime: time,
    leaseTransitions: (lease?.spec?.leaseTransitions ?? 0) + (lease?.spec?.holderIdentity === me ? 0 : 1),
  });

  const write = async (lease: Lease | null): Promise<void> => {
    // Counted from before the write: its answer may come late, or never.
    const startedAt = now();
    const time = new Date().toISOString().replace('Z', '000Z');
    const body: Lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { ...(lease?.metadata ?? { name, ...(options.ownerReferences && { ownerReferences: options.ownerReferences }) }) },
      spec: specFor(lease, time)!,
    };
    mine = null;
    // The version that was read, or written last, goes with it: of two who take it one is refused.
    mine = lease === null ? await api.create<Lease>(base, body) : await api.replace<Lease>(`${base}/${name}`, body);
    renewedAt = startedAt;
    tellOnceOver();
  };

  const look = async (): Promise<void> => {
    if (mine !== null && leads()) {
      try {
        return await write(mine);
      } catch (error) {
        // Somebody else wrote it, or removed it: it is looked at once more, before the time to give up.
        if (!hasChanged(error)) throw error;
      }
    }
    const lease = await api.find<Lease>(`${base}/${name}`);
    const { holderIdentity, renewTime } = lease?.spec ?? {};
    const current = { holder: holderIdentity ?? '', renewTime: renewTime ?? '' };
    if (seen?.holder !== current.holder || seen.renewTime !== current.renewTime) seen = { ...current, at: now() };
    if (nextStep(lease, me, seen, now()) !== 'wait') await write(lease);
  };

  const giveBack = async (): Promise<void> => {
    if (!leads()) return;
    renewedAt = Number.NEGATIVE_INFINITY;
    const lease = await api.find<Lease>(`${base}/${name}`);
    if (lease?.spec?.holderIdentity === me) await api.replace(`${base}/${name}`, { ...lease, spec: { ...lease.spec, holderIdentity: '' } });
  };

  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await look().catch((error: unknown) => {
        // Another was faster: everyday life.
        if (!hasChanged(error)) onFailure?.(error);
      });
      tell();
      await delay(timing.everyMs * (0.9 + Math.random() * 0.2), signal);
    }
    await giveBack().catch((error: unknown) => onFailure?.(error));
    tell();
  };
  return { leads, done: run().finally(() => clearTimeout(giveUp)) };
};
