import type { Budgets } from '../../budgets/index.ts';

/** `1m0s`, `850ms`: how OpenAI writes a time that is left. */
const shortly = (ms: number): string => {
  if (ms < 1_000) return `${ms}ms`;
  const seconds = Math.ceil(ms / 1_000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
};

/** What is left of the minute's prompts; nothing where nobody can tell in time. */
export const rateHeaders = async (budgets: Pick<Budgets, 'prompts'>, userId: string): Promise<Record<string, string>> => {
  const standing = await budgets.prompts(userId);
  return standing
    ? {
        'x-ratelimit-limit-requests': String(standing.limit),
        'x-ratelimit-remaining-requests': String(standing.remaining),
        'x-ratelimit-reset-requests': shortly(standing.resetMs),
      }
    : {};
};
