import type { AuthMode } from '../config-doors.ts';
import { setting, type LoadedConfig, type ConfigSpec } from '@runnel/kit';

/**
 * What one person may have where tokens prove who that is. In dev mode callers name themselves, so a limit for each name stops nobody and
 * only surprises who tries Runnel out: there these are off unless they are set. Each is above what honest people do at once and below what
 * hurts others; the scenes behind the figures are in docs/decisions/0035-budgets.md.
 */
const DEFAULTS = {
  maxRunsPerUser: 32,
  maxBytesPerUserDay: 64 * 1024 * 1024,
  maxSocketsPerUser: 100,
  maxFollowsPerUser: 2_000,
  maxReadsPerUser: 8,
  maxReplaysPerUser: 3,
  maxCommandsPerMinute: 1_200,
  maxSearchesPerMinute: 300,
} as const;

export type PersonLimits = { readonly [K in keyof typeof DEFAULTS]: number };

const limit = (env: string, name: keyof typeof DEFAULTS, description: string) =>
  setting.integer(env, {
    optional: true,
    minimum: 0,
    description: `${description}; 0: no limit. Unset: ${DEFAULTS[name]}, in dev mode 0`,
  });

export const budgetSettings = {
  maxRunsPerUser: limit(
    'MAX_RUNS_PER_USER',
    'maxRunsPerUser',
    'Answers of one user at a time, running and waiting ones together, over all nodes',
  ),
  maxBytesPerUserDay: limit(
    'MAX_BYTES_PER_USER_DAY',
    'maxBytesPerUserDay',
    'Bytes of prompts, context, titles and answers that one user may write to Redis in a day (UTC), over all nodes',
  ),
  maxSocketsPerUser: limit(
    'MAX_SOCKETS_PER_USER',
    'maxSocketsPerUser',
    'WebSockets and event streams of one user together, over all nodes',
  ),
  maxFollowsPerUser: limit(
    'MAX_FOLLOWS_PER_USER',
    'maxFollowsPerUser',
    'Conversations that all WebSockets of one user follow together, over all nodes',
  ),
  maxReadsPerUser: limit(
    'MAX_READS_PER_USER',
    'maxReadsPerUser',
    'Reads of history, lists and the audit service by one user at a time on this node; others wait in turn for up to 3 s',
  ),
  maxReplaysPerUser: limit('MAX_REPLAYS_PER_USER', 'maxReplaysPerUser', 'Replays of one user at a time, over all nodes'),
  maxCommandsPerMinute: limit(
    'MAX_COMMANDS_PER_MINUTE',
    'maxCommandsPerMinute',
    'All other commands and reads of one user in a minute, over all nodes',
  ),
  maxSearchesPerMinute: limit('MAX_SEARCHES_PER_MINUTE', 'maxSearchesPerMinute', 'Searches of one user in a minute, over all nodes'),
};

type Given = LoadedConfig<ConfigSpec<typeof budgetSettings>> & { authMode: AuthMode };

/** The limits in force. Pure. */
export const personLimits = (config: Given): PersonLimits => {
  const names = Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[];
  return Object.fromEntries(
    names.map((name) => [name, config[name] ?? (config.authMode === 'dev' ? 0 : DEFAULTS[name])]),
  ) as unknown as PersonLimits;
};
