import { delay } from '@runnel/kit';

/** What the plan must know of a connection: whether somebody watches an answer being written on it. */
export interface DrainCandidate {
  busy: boolean;
}
export interface DrainStep<C> {
  connection: C;
  /** Told to the client at once: it goes elsewhere by itself after this time. */
  reconnectInMs: number;
  /** When the node closes it, should it still be here. Never after the window. */
  closeAtMs: number;
}

/** The last part of the window is for those that did not go by themselves. */
const GOING_SHARE = 0.85;
const GRACE_MS = 1000;

/**
 * Spreads a node's connections over the window: idle ones first, those with a live answer later (some end meanwhile), each in
 * its own slot with jitter, so that the other nodes see an even stream and never a herd. Pure.
 */
export const planDrain = <C extends DrainCandidate>(connections: readonly C[], windowMs: number, random: () => number): DrainStep<C>[] => {
  const ordered = [...connections.filter((c) => !c.busy), ...connections.filter((c) => c.busy)];
  const slot = (windowMs * GOING_SHARE) / Math.max(1, ordered.length);
  return ordered.map((connection, index) => {
    const reconnectInMs = Math.floor((index + random()) * slot);
    return { connection, reconnectInMs, closeAtMs: Math.min(windowMs, reconnectInMs + GRACE_MS) };
  });
};

/** A connection that can be sent elsewhere. */
export interface Drainable extends DrainCandidate {
  readonly open: boolean;
  announce(reconnectInMs: number): void;
  close(): void;
}

/** Carries the plan out; resolves when all are gone, at the latest when the window is over. */
export const drainConnections = async (
  connections: readonly Drainable[],
  windowMs: number,
  random: () => number = Math.random,
): Promise<void> => {
  const steps = planDrain(connections, windowMs, random);
  for (const { connection, reconnectInMs } of steps) connection.announce(reconnectInMs);
  const startedAt = performance.now();
  for (const { connection, closeAtMs } of steps.toSorted((a, b) => a.closeAtMs - b.closeAtMs)) {
    if (!connection.open) continue;
    await delay(Math.max(0, closeAtMs - (performance.now() - startedAt)));
    if (connection.open) connection.close();
  }
};
