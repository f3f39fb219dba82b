import type { Logger } from '@runnel/kit';
import type { Limits } from '@runnel/protocol';
import type { Hub } from '../follow/hub.ts';
import type { People } from '../follow/people.ts';
import type { Commands } from '../commands/commands.ts';
import type { Auth } from '../auth/auth.ts';
import type { Budgets } from '../budgets/index.ts';
import type { GatewayMetrics } from '../metrics.ts';

/** What all sessions of a node share. */
export interface SessionDeps {
  hub: Hub;
  people: People;
  commands: Commands;
  auth: Pick<Auth, 'verify'>;
  limits: Limits;
  node: string;
  heartbeatMs: number;
  promptsPerMinute: number;
  budgets: Pick<Budgets, 'sockets' | 'follows' | 'command' | 'refusals' | 'unsent'>;
  metrics: GatewayMetrics;
  log: Logger;
  /** Users who are kept out for a while (4505). */
  bans: { has(userId: string): boolean; add(userId: string): void };
}
