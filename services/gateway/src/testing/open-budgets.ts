import type { Metrics } from '@runnel/kit';
import { createRefusals } from '../budgets/refusals.ts';
import { UnsentBudget } from '../budgets/unsent.ts';
import type { SessionDeps } from '../session.ts';

/** Budgets that refuse nothing. */
export const openBudgets = (metrics: Metrics): SessionDeps['budgets'] => {
  const share = { take: () => true, release: () => {} };
  return {
    sockets: share,
    follows: share,
    command: async () => {},
    refusals: createRefusals(metrics),
    unsent: new UnsentBudget(0, () => undefined),
  };
};
