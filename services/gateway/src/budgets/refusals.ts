import { RunnelError, type ErrorDetails } from '@runnel/protocol';
import type { Metrics } from '@runnel/kit';

/** Every budget that may refuse, by the word that clients and operators read. */
export const LIMITS = {
  prompts: 'Too many prompts; wait a moment.',
  commands: 'Too many requests; wait a moment.',
  searches: 'Too many searches; wait a moment.',
  runs: 'Too many answers at a time; wait until one has ended.',
  bytes: 'This is as much as may be written in a day; it goes on at midnight (UTC).',
  sockets: 'Too many connections of one person.',
  follows: 'Too many conversations are followed at a time.',
  reads: 'Too many reads at a time; wait a moment.',
  replays: 'Too many replays at a time; close one.',
  keys: 'Too many API keys; end one first.',
  bodies: 'Too many unfinished requests at once.',
  memory: 'The reader is too slow for the memory that is left.',
} as const;
export type Limit = keyof typeof LIMITS;

export interface Refusals {
  count(limit: Limit): void;
  /** The refusal as an error, counted. */
  of(limit: Limit, details: Pick<ErrorDetails, 'retryAfterMs'>): RunnelError;
}

export const createRefusals = (metrics: Metrics): Refusals => {
  const counter = metrics.counter('runnel_gateway_refusals_total', 'What a budget of a person or an address refused, by the budget', [
    'limit',
  ]);
  for (const limit of Object.keys(LIMITS)) counter.inc({ limit }, 0);
  const count = (limit: Limit): void => counter.inc({ limit });
  return {
    count,
    of(limit, { retryAfterMs = 1000 }) {
      count(limit);
      return new RunnelError('rate-limited', LIMITS[limit], { retryAfterMs: Math.max(1, Math.ceil(retryAfterMs)), limit });
    },
  };
};
