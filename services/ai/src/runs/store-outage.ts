import type { Clock } from './clock.ts';

export interface OutageOptions {
  clock: Clock;
  /** How long after an outage the store counts as just back. */
  graceMs: number;
  onAway(error: unknown): void;
  onBack(): void;
}

/**
 * Whether the store answers this pod, by what the regular calls meet. Leases run out while nobody can renew them: the owners hold
 * text that nobody else has, so they get the grace to come back before their runs are swept (P-10).
 */
export const createOutage = ({ clock, graceMs, onAway, onBack }: OutageOptions) => {
  let away = false;
  let backAt = Number.NEGATIVE_INFINITY;
  return {
    failed(error: unknown): void {
      if (!away) onAway(error);
      away = true;
    },
    answered(): void {
      if (!away) return;
      away = false;
      backAt = clock.now();
      onBack();
    },
    get away(): boolean {
      return away;
    },
    justBack: (): boolean => clock.now() - backAt < graceMs,
  };
};
export type Outage = ReturnType<typeof createOutage>;
