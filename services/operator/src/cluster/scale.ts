import type { Scale } from '../kinds/chat-cluster.ts';

/** What a scaler remembers of one Deployment; times are ms of a monotonic clock. Empty in a process that has just begun to lead. */
export interface ScaleMemory {
  /** Since when fewer pods would have been enough. */
  lowSince?: number | undefined;
  added: readonly { at: number; pods: number }[];
}
export const NOTHING_REMEMBERED: ScaleMemory = { added: [] };

export interface ScaleInput {
  spec: Scale;
  replicas: number;
  /** What the pods that were heard hold together. */
  live: number;
  /** Whether all of them were heard: else it may only become more. */
  all: boolean;
  memory: ScaleMemory;
  now: number;
}

export interface ScaleStep {
  replicas: number;
  memory: ScaleMemory;
}

const MINUTE_MS = 60_000;

/** How many pods there should be next: up at once within the rate, down one by one after a while. Pure. */
export const scaleStep = ({ spec, replicas, live, all, memory, now }: ScaleInput): ScaleStep => {
  const { min, max, target, upPerMinute, downAfterSeconds } = spec;
  const wanted = Math.min(max, Math.max(min, Math.ceil(live / target)));
  const added = memory.added.filter(({ at }) => now - at < MINUTE_MS);
  // Bounds are an order, not a wish: they are kept at once, whatever was heard.
  if (replicas < min || replicas > max) return { replicas: replicas < min ? min : max, memory: { added } };
  if (wanted > replicas) {
    const room = Math.max(0, upPerMinute - added.reduce((sum, { pods }) => sum + pods, 0));
    const next = Math.min(wanted, replicas + room);
    return { replicas: next, memory: { added: next > replicas ? [...added, { at: now, pods: next - replicas }] : added } };
  }
  if (wanted === replicas || !all) return { replicas, memory: { added } };
  const lowSince = memory.lowSince ?? now;
  if (now - lowSince < downAfterSeconds * 1000) return { replicas, memory: { added, lowSince } };
  return { replicas: replicas - 1, memory: { added, lowSince: now } };
};

/** `controller.kubernetes.io/pod-deletion-cost` of each pod: the emptiest goes first. Pure. */
export const deletionCosts = (live: ReadonlyMap<string, number>): Map<string, string> =>
  new Map([...live].map(([pod, count]) => [pod, String(Math.min(count, 2 ** 31 - 1))]));
