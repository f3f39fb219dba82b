import { newId } from '@runnel/protocol';
import { createAppends } from './append-commands.ts';
import { beginArgs, forkArgs } from './args/begin-args.ts';
import { guardCommands } from '../border/guard-commands.ts';
import { connectRedis, DEADLINE_MS } from './client/connect.ts';
import { channelOf, outboxKey, shardOf, type KeyParts } from './keys.ts';
import { answerOf, answersOf, checkIds, runOfMessages, toLuaJson } from '../messages.ts';
import { DEFAULT_OUTBOX_CAP, timelineFields } from '../outbox-entries.ts';
import { createRedisCaller, type OnCommand } from './client/caller.ts';
import { RedisChannels } from './client/channels.ts';
import { doubtOwner, findFreeRuns, renewLeases } from './leases.ts';
import { placesInLine } from '../waiting-line.ts';
import { createLists, createTitleCommands, presetOf, standing } from './conversation-lists.ts';
import {
  outcomeOf,
  toBeginResult,
  toCancelResult,
  toChangeResult,
  toClaimResult,
  toEndResult,
  toExpelResult,
  toHistory,
  toMergeResult,
  toReadState,
  toForkResult,
  toRehydrateResult,
  toRestoreEndResult,
  toSwitchResult,
  toRestoreResult,
  type Reply,
} from './replies.ts';
import { DEFAULT_MODEL, type ReleaseOutcome, type RunLog } from '../run-log/run-log.ts';
import { TAIL_LIMITS } from '../limits.ts';
import { createRedisBudgets } from './budgets.ts';
import { createPartCommands } from './part-commands.ts';
import { asBegun, endingList, endOfParts, partJson, standingJson, streamedOf } from '../parts.ts';
import { waitingArgs } from './args/waiting-args.ts';
import { storedMessage } from './args/stored-message.ts';
import { createRedisGrants } from './grants.ts';
import { createRedisRecords } from './person-records.ts';
import { createSecrets } from './shared-secrets.ts';
import { createLargeReads } from './large/large-reads.ts';
import type { ScriptArgs } from './args/script-args.ts';
import { registerScripts, type ScriptName } from './scripts.ts';
import { watchGeneration } from './store-generation.ts';
import { createWorkChannels } from './work-hint.ts';
import { askStoreMemory } from './memory-usage.ts';

export interface RedisRunLogOptions {
  /** `redis://`, `rediss://`, `redis+cluster://`, `redis+sentinel://` */
  url: string;
  onCommand?: OnCommand;
  /** Errors of connections and of listeners: for the log, never fatal. */
  onError?: (error: Error) => void;
  /** Outbox entries per shard past which prompts are refused while a relay is registered. */
  outboxCap?: number;
  /** Milliseconds within which the store answers, or is `unavailable`; P-10's second unless said otherwise. */
  deadlineMs?: number;
}

/** The run log on Redis 7: single, Sentinel or Cluster. */
export const createRedisRunLog = (options: RedisRunLogOptions): RunLog => {
  const { url, onCommand, onError = () => {}, outboxCap: cap = DEFAULT_OUTBOX_CAP, deadlineMs = DEADLINE_MS } = options;
  const client = connectRedis(url, onError, deadlineMs);
  const scripts = registerScripts(client);
  // First: no other listener may send anything on a new connection before it.
  const generation = watchGeneration(client, scripts, onError);
  const caller = createRedisCaller(client, onCommand, deadlineMs);
  const channels = new RedisChannels(client, url, onError, deadlineMs);
  const lists = createLists(client, scripts, caller, onError);

  const partsOf = (conversationId: string, runId = ''): KeyParts => {
    checkIds(conversationId, runId === '' ? undefined : runId);
    return { shard: shardOf(conversationId), conversationId, runId };
  };
  const run = async <N extends ScriptName>(name: N, parts: KeyParts, args: ScriptArgs[N]): Promise<Reply> =>
    (await caller.call(name, () => scripts.run(name, parts, args), outcomeOf)) as Reply;

  const large = createLargeReads(url, { onCommand, onError, deadlineMs }, run);

  const log: RunLog = {
    ...createRedisBudgets(scripts, caller),
    ...createPartCommands(run, partsOf, cap, (userId, conversationId) => {
      lists.note(userId, conversationId, '', { change: 'touched', news: 'waiting' });
    }),
    ...createTitleCommands(run, partsOf, cap, lists),
    ...createRedisGrants({ client, scripts, caller, channels }),
    ...createRedisRecords({ client, scripts, caller, channels, cap }),
    ...createWorkChannels(client, caller, channels),
    async beginRun(command) {
      const { conversationId, userId, runId } = command;
      const reply = await run('begin-run', partsOf(conversationId, runId), beginArgs(command, cap));
      const named = command.model === DEFAULT_MODEL ? {} : { model: command.model };
      if (reply[0] === 'started') lists.note(userId, conversationId, String(reply[3]), { ...named, news: 'answering' });
      return toBeginResult(reply);
    },
    async claimRun({ conversationId, runId, owner, leaseMs, models }) {
      const args = { owner, leaseMs, models: toLuaJson(models), cap };
      return toClaimResult(runId, await run('claim-run', partsOf(conversationId, runId), args));
    },
    async switchModel({ conversationId, runId, epoch, model, trimmed }) {
      const args = { epoch, model, cut: trimmed?.messages ?? 0, lost: trimmed?.tokens ?? 0, cap };
      return toSwitchResult(await run('switch-model', partsOf(conversationId, runId), args));
    },
    appendChunk: createAppends(client, scripts, caller),
    async endRun({ conversationId, runId, epoch, reason, bytes, sha256, finish, usage, error, firstWordMs, parts = [] }) {
      const { parts: shown, sum } = endOfParts(parts);
      const args = {
        epoch: epoch ?? ('' as const),
        reason,
        bytes,
        sha256,
        usage: usage ? toLuaJson(usage) : '',
        error: error ? toLuaJson(error) : '',
        cap,
        finish: finish ?? ('' as const),
        held: parts.length > 0 ? toLuaJson(endingList(parts)) : '',
        shown: shown ? toLuaJson(shown) : '',
        sum: sum ? JSON.stringify(sum) : '',
        firstWord: firstWordMs ?? ('' as const),
      };
      const reply = await run('end-run', partsOf(conversationId, runId), args);
      if (reply[0] === 'ended' && reply[3]) lists.note(String(reply[3]), conversationId, '', { change: 'touched', news: 'answered' });
      return toEndResult(reply);
    },
    async cancelRun({ conversationId, runId, userId }) {
      return toCancelResult(await run('cancel-run', partsOf(conversationId, runId), { userId }));
    },
    renewLeases: (owner, leaseMs, runs) => renewLeases(scripts, caller, owner, leaseMs, runs),
    doubtOwner: (owner, keepMs) => doubtOwner(scripts, caller, owner, keepMs),
    async releaseRun({ conversationId, runId, epoch, standing }) {
      const args = { epoch, bytes: standing?.bytes ?? ('' as const), standing: standing ? standingJson(standing.parts) : '' };
      const [outcome] = await run('release-run', partsOf(conversationId, runId), args);
      return outcome as ReleaseOutcome;
    },
    async restoreRun(command) {
      const { conversationId, epoch, owner, leaseMs, newLogId, userId, title, run: restored, text, messages } = command;
      const { parts = [], step, request = '', claimed } = command;
      const { runId, parentId, model, startedAt } = restored;
      const path = runOfMessages(messages, restored).map(({ message, madeRun }) => storedMessage(message, madeRun));
      const held = parts.map((part) => [partJson(part), ...streamedOf(part), part.partId, partJson(asBegun(part))]);
      const reply = await run('restore-run', partsOf(conversationId, runId), {
        epoch,
        owner,
        leaseMs,
        logId: newLogId,
        userId,
        title,
        parentId: parentId ?? '',
        model,
        startedAt,
        content: text,
        messages: JSON.stringify(path),
        cap,
        request,
        held: toLuaJson(held),
        step: step ?? ('' as const),
        claimed: claimed ?? ('' as const),
      });
      if (reply[0] === 'restored') lists.note(userId, conversationId, title);
      return toRestoreResult(reply);
    },
    async restoreEnd(command) {
      const { conversationId, epoch, newLogId, userId, title, run: restored, text, messages, parts, ...facts } = command;
      const { sum } = endOfParts(parts);
      const ended = { ...facts, ...(sum && { parts: sum }) };
      const { runId, parentId, model, startedAt } = restored;
      const path = runOfMessages(messages, restored).map(({ message, madeRun }) => [message.messageId, toLuaJson(message), madeRun]);
      const reply = await run('restore-end', partsOf(conversationId, runId), {
        epoch,
        logId: newLogId,
        userId,
        title,
        parentId: parentId ?? '',
        model,
        startedAt,
        content: text,
        messages: JSON.stringify(path),
        message: toLuaJson(answerOf(restored, text, command)),
        ended: toLuaJson(ended),
        cap,
      });
      if (reply[0] === 'restored') lists.note(userId, conversationId, title);
      return toRestoreEndResult(reply);
    },
    async noteTimeline(batch) {
      const { shard } = partsOf(batch.conversationId, batch.runId);
      const key = outboxKey(shard);
      await caller.call('note-timeline', async () => {
        // Timelines are dropped at half of the cap at which prompts are refused.
        if ((await client.xlen(key)) < cap / 2) await client.xadd(key, '*', ...Object.entries(timelineFields(batch, Date.now())).flat());
      });
    },
    async rehydrate({ conversationId, userId, title, messages, hasMore, system = '', model = '', parked }) {
      const kept = answersOf(messages, parked).map(({ message, madeRun }) => [message.messageId, toLuaJson(message), madeRun]);
      const reply = await run('rehydrate', partsOf(conversationId), {
        userId,
        title,
        logId: newId(),
        hasMore: hasMore ? '1' : '0',
        messages: JSON.stringify(kept),
        cap,
        system,
        model,
        waiting: parked ? toLuaJson(waitingArgs(parked)) : '',
      });
      if (reply[0] === 'rehydrated') lists.note(userId, conversationId, ...standing(reply.slice(2), 'kept'));
      return toRehydrateResult(reply);
    },
    async forkConversation(command) {
      const reply = await run('fork-conversation', partsOf(command.conversationId), forkArgs(command, cap));
      if (reply[0] === 'forked')
        lists.note(command.userId, command.conversationId, command.title, { ...presetOf(command.system, command.model), news: 'changed' });
      return toForkResult(reply);
    },
    async mergeStored({ conversationId, userId, title, messages, hasMore, system = '', model = '' }) {
      const kept = answersOf(messages).map(({ message, madeRun }) => [message.messageId, JSON.stringify(message), madeRun]);
      const stored = { messages: JSON.stringify(kept), hasMore: hasMore ? ('1' as const) : ('0' as const) };
      const reply = await run('merge-stored', partsOf(conversationId), { userId, title, logId: newId(), cap, system, model, ...stored });
      const now = reply.slice(reply[0] === 'merged' ? 2 : 1);
      if (now.length > 0) lists.note(userId, conversationId, ...standing(now, 'learnt'));
      return toMergeResult(reply);
    },
    async expel({ conversationId, ...who }) {
      const [intruder, rightful] = 'intruder' in who ? [who.intruder, ''] : ['', who.rightful];
      const reply = await run('expel', partsOf(conversationId), { intruder, rightful });
      if (reply[0] === 'expelled') lists.note(String(reply[1]), conversationId, '', { change: 'deleted' });
      return toExpelResult(reply);
    },
    placesInLine: (runs) => placesInLine(client, scripts, caller, runs),
    findFreeRuns: (limit, seek) => findFreeRuns(scripts, caller, limit, seek),
    async readState({ conversationId, userId = '', cursor, reach = 'near' }) {
      const args = { userId, logId: cursor?.logId ?? '', offset: cursor?.offset ?? 0, ...TAIL_LIMITS[reach] };
      return toReadState(await large.read('read-state', partsOf(conversationId), args));
    },
    async readHistory({ conversationId, userId, before = '', limit }) {
      return toHistory(await large.read('read-history', partsOf(conversationId), { userId, before, limit }));
    },
    async deleteMessage({ conversationId, userId, messageId, stored }) {
      // As the run of that name: an answer's text so far is kept under it.
      const reply = await run('delete-message', partsOf(conversationId, messageId), { userId, messageId, cap, ...lookedFor(stored) });
      if (reply[2] === 'untitled') lists.note(userId, conversationId, '');
      return toChangeResult(reply);
    },
    async deleteConversation({ conversationId, userId, forget = false, deletedBy = userId, heard }) {
      const isRemade = heard?.remade === true;
      const told = { deletedBy: heard ? '' : deletedBy, heardLog: heard?.logId ?? '', heardAt: heard?.at ?? 0 };
      const args = { userId, cap, forget: forget ? ('1' as const) : ('' as const), ...told };
      const reply = await run('delete-conversation', partsOf(conversationId), { ...args, remade: isRemade ? '1' : '' });
      if (reply[0] === 'done' && !isRemade) lists.note(userId, conversationId, '', { change: 'deleted', news: 'deleted' });
      return toChangeResult(reply);
    },
    async setPreset({ conversationId, userId, system, model }) {
      const change = `${system === undefined ? '' : 's'}${model === undefined ? '' : 'm'}`;
      const args = { userId, system: system ?? '', model: model ?? '', change, cap };
      const reply = await run('set-preset', partsOf(conversationId), args);
      if (reply[0] === 'done')
        lists.note(userId, conversationId, String(reply[2]), {
          ...(system !== undefined && { system }),
          ...(model !== undefined && { model }),
        });
      return toChangeResult(reply);
    },
    listConversations: (query) => lists.list(query),
    async follow(conversationId, listener) {
      checkIds(conversationId);
      await caller.ready();
      return channels.subscribe(channelOf(conversationId), listener);
    },
    async publishHint(conversationId, json) {
      checkIds(conversationId);
      await caller.call('publish-hint', () => client.spublish(channelOf(conversationId), json));
    },
    async notePresence({ conversationId, holder, count }) {
      await run('note-presence', partsOf(conversationId), { holder, count });
    },
    sharedSecret: createSecrets(client, caller),
    answering: caller.answering,
    async ping() {
      await caller.call('ping', () => client.ping());
    },
    onStoreChange: generation.onChange,
    storeChangedAgoMs: generation.changedAgoMs,
    storeMemory: () => caller.call('store-memory', () => askStoreMemory(client)),
    async close() {
      channels.close();
      large.close();
      client.disconnect();
    },
  };
  return guardCommands(log);
};

/** What the database has of a message that is older than what is kept here. */
const lookedFor = (stored: 'ask' | { text: string } | undefined): Pick<ScriptArgs['delete-message'], 'looked' | 'words'> => {
  if (stored === undefined) return { looked: 'away', words: '' };
  return stored === 'ask' ? { looked: '', words: '' } : { looked: 'found', words: stored.text };
};
