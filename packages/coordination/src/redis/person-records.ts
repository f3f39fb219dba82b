import { keyName, personParts } from './keys.ts';
import type { RedisCaller } from './client/caller.ts';
import type { RedisChannels } from './client/channels.ts';
import type { RedisClient } from './client/connect.ts';
import { outcomeOf, type Reply } from './replies.ts';
import type { ScriptArgs } from './args/script-args.ts';
import type { ScriptName, ScriptRunner } from './scripts.ts';
import {
  RECORD_KINDS,
  RECORD_LIMITS,
  RECORDS_LIFE_MS,
  type PersonRecord,
  type PutRecordResult,
  type StoreRecords,
} from '../person-records.ts';

export interface RecordDeps {
  client: RedisClient;
  scripts: ScriptRunner;
  caller: RedisCaller;
  channels: RedisChannels;
  /** Entries of an outbox. */
  cap: number;
}

const recordOf = (name: string, version: unknown, json: string): PersonRecord => ({
  name,
  version: Number(version),
  fields: json === '' ? {} : (JSON.parse(json) as PersonRecord['fields']),
});

const toPutResult = (name: string, [outcome, ...values]: Reply): PutRecordResult => {
  if (outcome === 'done' || outcome === 'same') return { outcome, record: recordOf(name, values[0], String(values[1])) };
  if (outcome === 'full') return { outcome, what: values[0] as 'entries' };
  return { outcome: outcome as 'absent' | 'overloaded' };
};

const lifeOf = (lasting: boolean): number => (lasting ? RECORDS_LIFE_MS : 0);

/** A person's records lie in a shard, as conversations do: with its outbox, so that a change and its event are one step. */
export const createRedisRecords = ({ client, scripts, caller, channels, cap }: RecordDeps): StoreRecords => {
  const run = async <N extends ScriptName>(name: N, userId: string, kind: string, args: ScriptArgs[N]): Promise<Reply> =>
    (await caller.call(name, () => scripts.run(name, { ...personParts(userId), name: kind }, args), outcomeOf)) as Reply;
  const channelOf = (userId: string): string => keyName('personChannel', personParts(userId));
  return {
    async putRecord({ userId, kind, lasting, name, patch, whole = false }) {
      const limits = RECORD_LIMITS[kind];
      const args = { userId, kind, name, patch: JSON.stringify(patch), whole: whole ? ('1' as const) : ('' as const) };
      return toPutResult(name, await run('put-record', userId, kind, { ...args, ...limits, lifeMs: lifeOf(lasting), cap }));
    },
    async readRecords({ userId, kind, lasting, names }) {
      const args = { names: names ? JSON.stringify(names) : '', lifeMs: lifeOf(lasting) };
      const [outcome, flat] = await run('read-records', userId, kind, args);
      if (outcome !== 'found') return { outcome: 'absent' };
      const records: PersonRecord[] = [];
      const values = flat as string[];
      for (let i = 0; i + 2 < values.length; i += 3) records.push(recordOf(values[i]!, values[i + 1], values[i + 2]!));
      return { outcome, records };
    },
    async mergeRecords({ userId, kind, lasting, records }) {
      const rows = records.map(({ name, version, fields }) => [name, version, fields ? JSON.stringify(fields) : '']);
      await run('merge-records', userId, kind, { userId, kind, rows: JSON.stringify(rows), lifeMs: lifeOf(lasting), cap });
    },
    async forgetRecords(userId) {
      for (const kind of RECORD_KINDS) await run('forget-records', userId, kind, { userId, kind, cap });
    },
    async followPerson(userId, listener) {
      await caller.ready();
      return channels.subscribe(channelOf(userId), listener);
    },
    async publishPerson(userId, json) {
      await caller.call('publish-person', () => client.spublish(channelOf(userId), json));
    },
  };
};
