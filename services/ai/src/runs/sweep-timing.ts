/** Free runs that one sweep takes at most. */
export const SWEEP_BATCH = 64;
const SWEEP_MS = 500;

/** How often a pod says which models it has. */
export const ANNOUNCE_MS = 5_000;

/** Half a second less up to a third, so that pods do not sweep in step. `random` in [0, 1). */
export const sweepWaitMs = (random: number): number => SWEEP_MS * (1 - random / 3);

/** Four renewals to a lease; sooner after an outage, as the lease may have run out by now. */
export const renewWaitMs = (leaseMs: number, storeAway: boolean): number => (storeAway ? Math.min(100, leaseMs / 4) : leaseMs / 4);

/** Every pod hears of a free run at once: the idle ones come first, and chance parts equals. `load` in [0, 1]. */
export const hintDelayMs = (load: number, random: number): number => 40 * load + 10 * random;
