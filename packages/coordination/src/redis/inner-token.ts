import type { RedisClient } from './client/connect.ts';
import { prefixed } from './keys.ts';

/** string: what the services of this installation show to each other where no INTERNAL_TOKEN is set; never expires. */
const INNER_TOKEN_KEY = 'runnel:inner-token';

/**
 * The token all share: the proposal where there is none, else the one there is. The first that comes wins, also after a
 * FLUSHALL; everybody else learns its word.
 */
export const shareInnerToken =
  (redis: Pick<RedisClient, 'set'>) =>
  async (proposal: string): Promise<string> =>
    (await redis.set(prefixed(INNER_TOKEN_KEY), proposal, 'NX', 'GET')) ?? proposal;
