import keySlot from 'cluster-key-slot';

/** Every key of a conversation carries the hash tag of its shard, so that one script may touch them all on a Redis Cluster. */
export const DEFAULT_SHARDS = 64;
/** Each is a channel that every AI pod hears, and a question at every scrape. */
export const MOST_SHARDS = 1024;
let shards = DEFAULT_SHARDS;

/** How many shards the conversations of this installation are spread over. */
export const shardCount = (): number => shards;

/** Told once, before anything of a conversation is read or written: every process of an installation has the same. */
export const useShards = (count: number): void => {
  if (!Number.isInteger(count) || count < 1 || count > MOST_SHARDS) throw new TypeError(`There are 1 to ${MOST_SHARDS} shards.`);
  shards = count;
};

/** crc16(conversationId) mod the shards: a Redis slot is crc16 mod 16384. Ids hold no braces, so the whole id counts. */
export const shardOf = (conversationId: string): number => keySlot(conversationId) % shards;

/** The Redis Cluster slot all keys of a shard are in. */
export const slotOfShard = (shard: number): number => keySlot(`{${shard}}`);

/** The parts a key name is made of. */
export interface KeyParts {
  shard: number;
  conversationId: string;
  runId: string;
  userId?: string;
  /** Of a shared secret, or a digest. */
  name?: string;
}

/** Encoded, for the id may hold braces (any JWT subject). */
const userTag = ({ userId = '' }: KeyParts): string => `{${encodeURIComponent(userId.toWellFormed())}}`;

/**
 * Names of every key and channel, by the short names that the Lua headers use. Each comment says type, life and content; ARCHITECTURE.md
 * has the same (scripts/lint/keys.test.ts). `24 h` is from the last state change of the conversation.
 * A run's keys carry the conversation too: a runId is made by a client and must not reach into another's run.
 */
const KEYS = {
  /** hash, 24 h: logId, offset, userId, title, createdAt, leaf, active (runId), messageSeq, auditSeq, trimmed, generation (of the store), lossy (ms), before (logId:offset), model, system, preset (somebody chose that model), files (some message has one); mended (ms), untitled: the title may be older than the database’s, after an eviction or a loss; titled: who called it so: `person`, or the messages a model made the title of and the title’s digest; absent, its first words */
  meta: (k) => `chat:meta:{${k.shard}}:${k.conversationId}`,
  metaPrefix: (k) => `chat:meta:{${k.shard}}:`,
  logPrefix: (k) => `chat:log:{${k.shard}}:`,
  channelPrefix: (k) => `chat:stream:{${k.shard}}:`,
  ownerPrefix: (k) => `session:owner:{${k.shard}}:`,
  /** hash, no expiry: node (which server, and which history of it), n: generation, since (ms): when it began */
  store: (k) => `store:{${k.shard}}`,
  /** hash, 24 h: messageId → JSON of the message; at most the newest 200 */
  history: (k) => `chat:history:{${k.shard}}:${k.conversationId}`,
  /** zset, 24 h: messageId by order of creation */
  order: (k) => `chat:order:{${k.shard}}:${k.conversationId}`,
  /** hash, 24 h: messageId or runId → `runId|offset of run-started`; what makes a repeated command recognisable (W-4) */
  ids: (k) => `chat:ids:{${k.shard}}:${k.conversationId}`,
  /** stream, 24 h while a run is active and 60 s after: entry id `<offset>-0`, field `event` */
  log: (k) => `chat:log:{${k.shard}}:${k.conversationId}`,
  /** channel, sharded: the same bytes, live */
  channel: (k) => `chat:stream:{${k.shard}}:${k.conversationId}`,
  /** hash, 24 h and until the end: runId, owner, epoch, expires (ms) of the conversation's active run; writer (`<runId>:<epoch>`): who may append, '' nobody; parked (runId): it waits for a person */
  owner: (k) => `session:owner:{${k.shard}}:${k.conversationId}`,
  /** hash, 24 h and 5 min after the end: status, parentId, model, startedAt, trace, epoch; nodes: who claimed it, a line each; parts ('1'), step (bytes), waiting (partIds), used (JSON: what it had cost when it began to wait); told (epoch, bytes, partIds): the audit knows that it is about to wait; copied (highest epoch the database knew, and ms): it came back from there, and nobody has claimed it; cancel: as in its key; base: bytes of the answer it goes on from; cut, lost: messages and tokens its model did not get; requested: the model that was asked for, where another answers; until it ends, request: what an API's caller asks of the model (JSON); thread: turns above it that are older than the newest 200 (JSON) */
  run: (k) => `streaming:active:{${k.shard}}:${k.conversationId}:${k.runId}`,
  runPrefix: (k) => `streaming:active:{${k.shard}}:${k.conversationId}:`,
  /** string, 24 h and until the end: the text so far */
  text: (k) => `streaming:active:{${k.shard}}:${k.conversationId}:${k.runId}:text`,
  /** hash, 24 h, 31 days while it waits for a person, and until the end: partId → JSON of the part; strings beside it hold what is streamed (part:<partId>:<field>) */
  parts: (k) => `streaming:active:{${k.shard}}:${k.conversationId}:${k.runId}:parts`,
  partPrefix: (k) => `streaming:active:{${k.shard}}:${k.conversationId}:${k.runId}:part:`,
  cancelPrefix: (k) => `streaming:cancel:{${k.shard}}:${k.conversationId}:`,
  /** string, 24 h and 60 s after the end: `<ms>|<userId>` of who wants the run cancelled, and when */
  cancel: (k) => `streaming:cancel:{${k.shard}}:${k.conversationId}:${k.runId}`,
  /** string, 24 h: the conversation was deleted; the database may not know yet */
  tombstone: (k) => `chat:deleted:{${k.shard}}:${k.conversationId}`,
  /** string, 30 days: SHA-1 of `conversationId:userId`, for as long as meta is gone */
  whose: (k) => `chat:owner:{${k.shard}}:${k.conversationId}`,
  /** hash, 24 h: gateway → on how many of its screens the conversation is open */
  present: (k) => `chat:present:{${k.shard}}:${k.conversationId}`,
  /** zset, no expiry: `conversationId:runId` by lease expiry (ms) */
  leases: (k) => `runs:leases:{${k.shard}}`,
  /** zset, no expiry: `conversationId:runId` without an owner, by the time it was queued (ms) */
  queued: (k) => `runs:queued:{${k.shard}}`,
  /** zset, 24 h: models by the time (ms) a pod that has them last looked for runs */
  seen: (k) => `runs:models:{${k.shard}}`,
  /** zset, 15 s: `conversationId:runId` of the runs of a model that has a limit, over all pods, by when each place expires (ms) */
  modelPlaces: (k) => `runs:places:{${encodeURIComponent(k.name ?? '')}}`,
  /** channel, sharded: hints for AI pods */
  work: (k) => `runs:work:{${k.shard}}`,
  /** stream, no expiry: the outbox of the shard: one audit event for each state change; timelines of answers, best effort */
  events: (k) => `events:{${k.shard}}`,
  /** string, no expiry: exists from the day a relay has read the outbox: it is bounded by refusing prompts then, not by trimming */
  relay: (k) => `events:relay:{${k.shard}}`,
  /** string, lease of the relay: which relay works on the shard */
  outboxLease: (k) => `events:lease:{${k.shard}}`,
  /** zset, no expiry: live relays by when they expire (ms); one for all shards */
  relays: () => 'events:relays',
  /** zset, 24 h: the user's conversations by last change (ms); the newest 1000. A slot of its own for each user */
  conversations: (k) => `user:conversations:${userTag(k)}`,
  /** hash, 24 h: conversationId → title, of the same */
  titles: (k) => `user:titles:${userTag(k)}`,
  /** hash, 24 h: `conversationId:system`, `conversationId:model` → its own, of the same */
  presets: (k) => `user:presets:${userTag(k)}`,
  /** zset, 1 h: `conversationId:runId` of the user's runs that have not been seen to end, by the time they were begun (ms) */
  places: (k) => `user:runs:${userTag(k)}`,
  /** string, until midnight (UTC): bytes the user has written today */
  spent: (k) => `user:bytes:${userTag(k)}`,
  /** hash, 24 h: `kind|gateway` → `count|ms`: what each gateway holds for the user */
  shares: (k) => `user:shares:${userTag(k)}`,
  /** zset, no expiry: live gateways by when they expire (ms) */
  holders: () => 'gateways:live',
  /** hash, until the last of them ends: grantId → JSON of the key or session that lets the user in, or of a provider's name of one: kind, digest, data, times (ms) */
  grants: (k) => `user:grants:${userTag(k)}`,
  /** string, as long as the grant: SHA-256 of a key, of a session or of a provider's name of one → JSON of `[userId, grantId]`: whose list it is in */
  grantHome: (k) => `grant:home:${k.name ?? ''}`,
  /** channel, sharded: ids of grants that ended, for gateways */
  grantsEnded: (k) => `grants:ended:{${k.shard}}`,
  /** hash, 30 days where a database has them too: `r:<name>` → `version|JSON` of what the user has set, of one kind; head: generation, newest version, bytes. In a shard, with its outbox */
  records: (k) => `user:records:{${k.shard}}:${k.name ?? ''}:${encodeURIComponent((k.userId ?? '').toWellFormed())}`,
  /** channel, sharded: hints for the user's open pages */
  personChannel: (k) => `user:changes:{${k.shard}}:${encodeURIComponent((k.userId ?? '').toWellFormed())}`,
  /** string, no expiry: how many shards there are; what was first said holds */
  shards: () => 'store:shards',
  /** string, no expiry: a random secret that the processes of this store share */
  secret: (k) => `runnel:secret:${k.name ?? ''}`,
} satisfies Record<string, (parts: KeyParts) => string>;

export type KeyName = keyof typeof KEYS;

let prefix = '';

/**
 * What every key and channel of this process begins with, so that two installations may share a Redis. Told once, before anything is
 * connected. @throws TypeError for a text with braces, which would move keys to other slots
 */
export const useKeyPrefix = (text: string): void => {
  if (/[{}]/.test(text)) throw new TypeError('A prefix of keys cannot hold braces.');
  prefix = text;
};
/** A name that is not in the table above, such as a limiter's. */
export const prefixed = (name: string): string => `${prefix}${name}`;

export const keyName = (name: KeyName, parts: KeyParts): string => prefixed(KEYS[name](parts));

export const isKeyName = (name: string): name is KeyName => Object.hasOwn(KEYS, name);

export const channelOf = (conversationId: string): string =>
  keyName('channel', { shard: shardOf(conversationId), conversationId, runId: '' });

/** Of what a person has in a shard: the id is encoded, for braces in it would be a tag. */
export const personParts = (userId: string): KeyParts => ({
  shard: shardOf(encodeURIComponent(userId.toWellFormed())),
  conversationId: '',
  runId: '',
  userId,
});

/** Of what belongs to a shard and to no conversation. */
export const ofShard = (shard: number): KeyParts => ({ shard, conversationId: '', runId: '' });

/** Where all gateways hear of keys and sessions that ended. */
export const grantsChannel = (): string => keyName('grantsEnded', ofShard(0));
export const workChannel = (shard: number): string => keyName('work', ofShard(shard));
/** The outbox of a shard. */
export const outboxKey = (shard: number): string => keyName('events', ofShard(shard));
export const outboxLeaseKey = (shard: number): string => keyName('outboxLease', ofShard(shard));

/** The shard a channel belongs to, by its hash tag. */
export const shardOfChannel = (channel: string): number => Number(channel.slice(channel.indexOf('{') + 1, channel.indexOf('}')));
