import { randomBytes } from 'node:crypto';
import type { RedisClient } from './client/connect.ts';
import { keyName } from './keys.ts';
import type { RedisCaller } from './client/caller.ts';
import type { RunLog } from '../run-log/run-log.ts';

/**
 * `SET NX GET`: one call both offers a secret and brings the one that stands. It is asked each time, for a store that came back empty
 * has a new one as soon as anybody asks, and two gateways that disagree would make two runs of one retry.
 */
export const createSecrets = (client: RedisClient, caller: RedisCaller): RunLog['sharedSecret'] => {
  const known = new Map<string, string>();
  return async (name) => {
    const own = known.get(name) ?? randomBytes(32).toString('base64url');
    const key = keyName('secret', { shard: 0, conversationId: '', runId: '', name });
    const stands = await caller.call('shared-secret', () => client.set(key, own, 'NX', 'GET'));
    const secret = stands ?? own;
    known.set(name, secret);
    return secret;
  };
};
