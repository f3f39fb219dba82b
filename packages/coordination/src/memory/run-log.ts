import { randomBytes } from 'node:crypto';
import { isListed, type ListChange } from '@runnel/protocol';
import type { OutboxEntry } from '@runnel/protocol/audit';
import { createMemoryBudgets } from './person/budgets.ts';
import { createMemoryGrants, type KeptGrants } from './person/grants.ts';
import { guardCommands } from '../border/guard-commands.ts';
import { beginRun } from './begin-run.ts';
import { deleteConversation, deleteMessage, proposeTitle, setPreset, setTitle } from './editing.ts';
import { listConversations, readHistory, readState } from './reading.ts';
import { notePresence } from './presence.ts';
import { expel, mergeStored } from './proofs.ts';
import { appendPartChunk, decidePart, parkRun, putPart } from './parts.ts';
import { forkConversation } from './fork.ts';
import { rehydrate } from './rehydrate.ts';
import { createMemoryRecords } from './person/person-records.ts';
import { restoreEnd } from './restore-end.ts';
import { restoreRun } from './restore-run.ts';
import { appendChunk, cancelRun, claimRun, doubtOwner, endRun, findFreeRuns, placesInLine, releaseRun, renewLease } from './runs.ts';
import { switchModel } from './switch-model.ts';
import { MemoryStore, type DurableOutbox } from './store.ts';
import { checkIds } from '../messages.ts';
import { DEFAULT_OUTBOX_CAP } from '../outbox-entries.ts';
import type { RunLog } from '../run-log/run-log.ts';
import { runKey } from '../run-ref.ts';

export interface MemoryRunLogOptions {
  /** Milliseconds since the epoch: the store's clock. */
  now?: () => number;
  outboxCap?: number;
  /** Keeps the outbox on disk: nothing is published or answered before it is there. */
  durable?: DurableOutbox;
  /** What an earlier process left of its outbox. */
  left?: readonly OutboxEntry[];
  /** Keeps keys and sessions on disk. */
  grants?: KeptGrants;
  /** Secrets by their names, the same after a restart; absent: made anew. */
  secretOf?: (name: string) => string;
  /** Of a test that changes it behind the log's back. */
  store?: MemoryStore;
}

/** The run log of one process. What it keeps is bounded and gone with the process; its outbox is what `npm start` writes to disk. */
export interface MemoryRunLog extends RunLog {
  /** The outbox of all shards in one: the oldest entries, and their removal once they are kept elsewhere. */
  readonly outbox: { read(count: number): OutboxEntry[]; trim(entryIds: readonly string[]): void };
}

/**
 * The laws of `run-log.ts` in memory, for one machine. Each command runs in one turn of the event loop, which is what a script is
 * to Redis; published bytes arrive in a later turn.
 */
export const createMemoryRunLog = (options: MemoryRunLogOptions = {}): MemoryRunLog => {
  const { now = Date.now, outboxCap = DEFAULT_OUTBOX_CAP, durable, left = [] } = options;
  const { store = new MemoryStore(now, outboxCap, durable) } = options;
  store.outbox.push(...left);
  const secrets = new Map<string, string>();
  const records = createMemoryRecords(store);
  /** Tells the owner's open pages. */
  const news = <R extends { outcome: string }>(conversationId: string, when: string, change: ListChange, result: R): R => {
    const { userId, title } = store.conversations.get(conversationId) ?? {};
    if (result.outcome === when && userId !== undefined && isListed(conversationId))
      void records.publishPerson(userId, JSON.stringify({ type: 'list', change, name: conversationId, ...(title && { title }) }));
    return result;
  };
  const log: MemoryRunLog = {
    ...createMemoryBudgets(store),
    ...createMemoryGrants(store, options.grants),
    ...records,
    beginRun: async (command) => news(command.conversationId, 'started', 'answering', beginRun(store, command)),
    claimRun: async (command) => claimRun(store, command),
    appendChunk: async (command) => appendChunk(store, command),
    putPart: async (command) => putPart(store, command),
    appendPartChunk: async (command) => appendPartChunk(store, command),
    parkRun: async (command) => news(command.conversationId, 'parked', 'waiting', parkRun(store, command)),
    decidePart: async (command) => decidePart(store, command),
    switchModel: async (command) => switchModel(store, command),
    endRun: async (command) => news(command.conversationId, 'ended', 'answered', endRun(store, command)),
    cancelRun: async (command) => cancelRun(store, command),
    renewLeases: async (owner, leaseMs, runs) => new Map(runs.map((run) => [runKey(run), renewLease(store, owner, leaseMs, run)])),
    doubtOwner: async (owner, keepMs) => doubtOwner(store, owner, keepMs),
    releaseRun: async (command) => releaseRun(store, command),
    restoreRun: async (command) => restoreRun(store, command),
    restoreEnd: async (command) => restoreEnd(store, command),
    noteTimeline: async (batch) => store.noteTimeline(batch),
    rehydrate: async (command) => rehydrate(store, command),
    forkConversation: async (command) => news(command.conversationId, 'forked', 'changed', forkConversation(store, command)),
    mergeStored: async (command) => mergeStored(store, command),
    expel: async (command) => expel(store, command),
    placesInLine: async (runs) => placesInLine(store, runs),
    findFreeRuns: async (limit, seek) => findFreeRuns(store, limit, seek),
    readState: async (query) => readState(store, query),
    readHistory: async (query) => readHistory(store, query),
    deleteMessage: async (command) => deleteMessage(store, command),
    async deleteConversation(command) {
      const result = deleteConversation(store, command);
      const { conversationId, userId } = command;
      if (result.outcome === 'done' && isListed(conversationId))
        void records.publishPerson(userId, JSON.stringify({ type: 'list', change: 'deleted', name: conversationId }));
      return result;
    },
    setTitle: async (command) => news(command.conversationId, 'done', 'changed', setTitle(store, command)),
    proposeTitle: async (command) => news(command.conversationId, 'named', 'changed', proposeTitle(store, command)),
    setPreset: async (command) => setPreset(store, command),
    listConversations: async (query) => listConversations(store, query),
    async follow(conversationId, listener) {
      checkIds(conversationId);
      const listeners = store.followers.get(conversationId) ?? new Set();
      store.followers.set(conversationId, listeners.add(listener));
      return {
        close: async () => {
          listeners.delete(listener);
          if (listeners.size === 0 && store.followers.get(conversationId) === listeners) store.followers.delete(conversationId);
        },
      };
    },
    publishHint: async (conversationId, json) => store.publish(conversationId, json),
    notePresence: async (note) => notePresence(store, note),
    async onWork(listener) {
      store.workers.add(listener);
      return { close: async () => void store.workers.delete(listener) };
    },
    publishWork: async (hint) => store.wake(hint),
    sharedSecret: async (name) => {
      const known = secrets.get(name) ?? options.secretOf?.(name) ?? randomBytes(32).toString('base64url');
      secrets.set(name, known);
      return known;
    },
    ping: async () => {},
    answering: () => true,
    onStoreChange: (listener) => void store.changes.add(listener),
    storeChangedAgoMs: () => performance.now() - store.changedAt,
    storeMemory: async () => null,
    async close() {
      store.followers.clear();
      store.workers.clear();
    },
    outbox: {
      read: (count) => store.outbox.slice(0, count),
      trim(entryIds) {
        const gone = new Set(entryIds);
        const kept = store.outbox.filter((entry) => !gone.has(entry.entryId));
        store.outbox.splice(0, store.outbox.length, ...kept);
      },
    },
  };
  return guardCommands(log);
};
