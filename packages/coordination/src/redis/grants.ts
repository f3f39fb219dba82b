import { isId } from '@runnel/protocol';
import type { RedisCaller } from './client/caller.ts';
import type { RedisChannels } from './client/channels.ts';
import type { RedisClient } from './client/connect.ts';
import { grantsChannel, keyName, type KeyParts } from './keys.ts';
import type { Reply } from './replies.ts';
import type { ScriptArgs } from './args/script-args.ts';
import type { ScriptName, ScriptRunner } from './scripts.ts';
import type { Grant, GrantKind, StoreGrants } from '../grants.ts';

type Row = [grantId: string, digest: string, data: string, createdAt: number, usedAt: number, expires: number];

const personOf = (userId: string): KeyParts => ({ shard: 0, conversationId: '', runId: '', userId });
/** Beside the person's slot: whose list a digest is in. */
const homeKey = (digest: string): string => keyName('grantHome', { shard: 0, conversationId: '', runId: '', name: digest });

const grantOf = (grantId: string, data: unknown, createdAt: unknown, usedAt: unknown, expires: unknown): Grant => ({
  grantId,
  data: String(data),
  createdAt: Number(createdAt),
  usedAt: Number(usedAt),
  expiresAt: Number(expires) === 0 ? null : Number(expires),
});

export interface GrantDeps {
  client: RedisClient;
  scripts: ScriptRunner;
  caller: RedisCaller;
  channels: RedisChannels;
}

/**
 * A person's grants are one hash in the slot of the person. Only the way to it from a digest lies elsewhere, and is written first and
 * removed last: one that leads nowhere lets nobody in.
 */
export const createRedisGrants = ({ client, scripts, caller, channels }: GrantDeps): StoreGrants => {
  const run = async <N extends ScriptName>(name: N, userId: string, args: ScriptArgs[N]): Promise<Reply> =>
    (await caller.call(
      name,
      () => scripts.run(name, personOf(userId), args),
      (reply) => String((reply as Reply)[0]),
    )) as Reply;

  const tell = (grantId: string): Promise<unknown> => caller.call('publish-grant', () => client.spublish(grantsChannel(), grantId));
  const forget = (digest: string): Promise<unknown> => caller.call('forget-digest', () => client.del(homeKey(digest)));
  const rowsOf = async (userId: string, kind: GrantKind | ''): Promise<Row[]> => {
    const [, rows] = await run('list-grants', userId, { kind });
    return rows as unknown as Row[];
  };
  const end = async (userId: string, kind: GrantKind | '', grantId: string): Promise<'ended' | 'none'> => {
    const [outcome, digest] = await run('end-grant', userId, { kind, grantId });
    await tell(grantId);
    if (outcome === 'ended') await forget(String(digest));
    return outcome as 'ended' | 'none';
  };

  return {
    async addGrant({ userId, kind, grantId, digest, data, lifeMs, idleMs, limit, whenFull }) {
      const home = JSON.stringify([userId, grantId]);
      await caller.call('note-digest', () =>
        lifeMs === null ? client.set(homeKey(digest), home) : client.set(homeKey(digest), home, 'PX', lifeMs),
      );
      const args = { kind, grantId, digest, data, lifeMs: lifeMs ?? 0, idleMs, limit, whenFull };
      const [outcome, gone = []] = await run('add-grant', userId, args);
      if (outcome === 'full') {
        await forget(digest);
        return { outcome };
      }
      const replaced: string[] = [];
      for (let i = 0; i < (gone as string[]).length; i += 2) {
        const [name, of] = (gone as string[]).slice(i, i + 2);
        replaced.push(name!);
        await Promise.all([tell(name!), forget(of!)]);
      }
      return { outcome: 'added', replaced };
    },
    async useGrant({ kind, digest }) {
      const home = await caller.call('find-digest', () => client.get(homeKey(digest)));
      if (home === null) return { outcome: 'none' };
      const [userId, grantId] = JSON.parse(home) as [string, string];
      const [outcome, ...fields] = await run('use-grant', userId, { kind, grantId, digest });
      if (outcome !== 'valid') return { outcome: 'none' };
      const [data, createdAt, usedAt, expires, at] = fields;
      return { outcome, userId, at: Number(at), ...grantOf(grantId, data, createdAt, usedAt, expires) };
    },
    async listGrants({ userId, kind }) {
      const rows = await rowsOf(userId, kind);
      const grants = rows.map(([grantId, , data, createdAt, usedAt, expires]) => grantOf(grantId, data, createdAt, usedAt, expires));
      return grants.toSorted((a, b) => a.createdAt - b.createdAt || a.grantId.localeCompare(b.grantId));
    },
    endGrant: ({ userId, kind, grantId }) => end(userId, kind, grantId),
    async keepGrant({ userId, grantId, before, data }) {
      const [outcome] = await run('keep-grant', userId, { grantId, before, data });
      return { outcome: outcome as 'kept' | 'changed' | 'none' };
    },
    async endGrantsOf(userId) {
      for (const [grantId, digest] of await rowsOf(userId, '')) {
        // Its way first: a call that breaks off here leaves nothing that names the person.
        await forget(digest);
        await end(userId, '', grantId);
      }
    },
    async onGrantEnded({ ended, resubscribed }) {
      await caller.ready();
      const message = (bytes: Buffer): void => {
        const grantId = bytes.toString();
        if (isId(grantId)) ended(grantId);
      };
      return channels.subscribe(grantsChannel(), { message, resubscribed });
    },
  };
};
