import type { Metrics } from '@runnel/kit';
import { createRefusals } from '../src/budgets/refusals.ts';
import { UnsentBudget } from '../src/budgets/unsent.ts';
import type { SessionDeps } from '../src/sockets/session.ts';

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
