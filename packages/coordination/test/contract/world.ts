import { hash } from 'node:crypto';
import { newId, readPrefix, type LogEvent, type Message } from '@runnel/protocol';
import type { BeginRun, ClaimRun, ClaimRunResult, EndRun, LogEntry, ReadState, RunLog } from '../../src/run-log/run-log.ts';
import { waitFor } from '../../testing/wait.ts';
import type { OwnedRun, RunRef } from '../../src/run-ref.ts';

/** A run log to test, and how to end what it needs. */
export interface Opened {
  log: RunLog;
  /** A second client of the same store, where that is something else. */
  other: RunLog;
  /** Sets how much the store may hold (0: no limit); absent where it has no memory of its own. */
  limitMemory?: (bytes: number) => Promise<void>;
  /** What a restart or a promotion is to the clients: another server answers, with the same data. Resolves once that is known. */
  changeStore: () => Promise<void>;
  /** Moves the store's clock by so much, as the leases of these runs see it. */
  jump: (ms: number, runs: readonly RunRef[]) => Promise<void>;
  close(): Promise<void>;
}
export type Open = () => Promise<Opened>;
/** The run log under test, by the time a test runs. */
export type Current = () => Opened;

/** Nothing waits for its end but a test that moves the clock, and a busy machine keeps none waiting for so long. */
export const LEASE_MS = 60_000;
/** Over before a test has asked twice. */
export const SHORT_LEASE_MS = 20;
export const USER = 'user-1';
export const MODELS = { count: true, story: false };

export type Begin = Partial<BeginRun> & { conversationId?: string };

/** A prompt with ids of its own. */
export const promptOf = (change: Begin = {}): BeginRun & { message: { messageId: string; text: string } } => ({
  conversationId: newId(),
  userId: USER,
  runId: newId(),
  model: 'count',
  title: 'A title',
  ...change,
  message: change.message ?? { messageId: newId(), text: 'count 3' },
});

export interface Started extends OwnedRun {
  messageId: string;
}
export const OWNER = 'pod-a.1';

/** A conversation with a run that is claimed (epoch 1). */
export const startRun = async (log: RunLog, change: Begin = {}, claim: Partial<ClaimRun> = {}): Promise<Started> => {
  const prompt = promptOf(change);
  const { conversationId, runId } = prompt;
  const begun = await log.beginRun(prompt);
  if (begun.outcome !== 'started') throw new Error(`begin-run: ${begun.outcome}`);
  const { epoch } = claimed(await log.claimRun({ conversationId, runId, owner: OWNER, leaseMs: LEASE_MS, models: MODELS, ...claim }));
  return { conversationId, runId, epoch, messageId: prompt.message.messageId };
};

/** The newest of a user's list, the one changed last first. */
export const listOf = async (log: RunLog, userId: string, limit: number): Promise<string[]> =>
  (await log.listConversations({ userId, limit })).conversations.map((conversation) => conversation.conversationId);

/** Lists are written after the change they note, and ordered by milliseconds: until it is listed first, in a millisecond that is over. */
export const listedFirst = async (log: RunLog, userId: string, conversationId: string): Promise<void> => {
  await waitFor(async () => (await listOf(log, userId, 1))[0] === conversationId);
  await waitFor(async () => (await log.listConversations({ userId, limit: 1 })).conversations[0]!.updatedAt < Date.now());
};

/** A run in a conversation that is listed first. */
export const startListed = async (log: RunLog, userId: string): Promise<Started> => {
  const run = await startRun(log, { userId });
  await listedFirst(log, userId, run.conversationId);
  return run;
};

export type Claimed = Extract<ClaimRunResult, { outcome: 'claimed' }>;
export const claimed = (result: ClaimRunResult): Claimed => {
  if (result.outcome !== 'claimed') throw new Error(`claim-run: ${result.outcome}`);
  return result;
};

/** Claims it as soon as it may be: after a change of the store that is seconds later. */
export const claimedSoon = async (log: RunLog, command: ClaimRun): Promise<Claimed> => {
  let result = await log.claimRun(command);
  await waitFor(async () => result.outcome === 'claimed' || (result = await log.claimRun(command)).outcome === 'claimed', {
    ...{ everyMs: 50, deadlineMs: 20_000, what: `a claim of ${command.runId}` },
  });
  return claimed(result);
};

export const append = (log: RunLog, { conversationId, runId, epoch }: OwnedRun, at: number, text: string) =>
  log.appendChunk({ conversationId, runId, epoch, at, text, t: 1_700_000_000_000 });

export const endOf = ({ conversationId, runId, epoch }: OwnedRun, text: string, change: Partial<EndRun> = {}): EndRun => ({
  conversationId,
  runId,
  epoch,
  reason: 'complete',
  bytes: Buffer.byteLength(text),
  sha256: hash('sha256', text, 'hex'),
  ...change,
});

/** A whole run: claimed, one chunk, ended. */
export const wholeRun = async (log: RunLog, change: Begin = {}, text = 'w000001 '): Promise<Started> => {
  const run = await startRun(log, change);
  await append(log, run, 0, text);
  await log.endRun(endOf(run, text));
  return run;
};

export type Snapshot = Extract<ReadState, { kind: 'snapshot' }>;
export const snapshotOf = async (log: RunLog, conversationId: string): Promise<Snapshot> => {
  const state = await log.readState({ conversationId });
  if (state.kind !== 'snapshot') throw new Error(`read-state: ${state.kind}`);
  return state;
};

/** All events of a short log, read as a tail from its beginning. */
export const eventsOf = async (log: RunLog, conversationId: string): Promise<LogEvent[]> => {
  const { logId } = await snapshotOf(log, conversationId);
  const state = await log.readState({ conversationId, cursor: { logId, offset: 0 } });
  if (state.kind !== 'tail') throw new Error(`read-state: ${state.kind}`);
  return state.entries.map(({ json }) => JSON.parse(json) as LogEvent);
};

/** The same of what was published. */
export const collect = async (log: RunLog, conversationId: string) => {
  const entries: LogEntry[] = [];
  const hints: string[] = [];
  let resubscriptions = 0;
  const subscription = await log.follow(conversationId, {
    message(bytes) {
      const json = bytes.toString();
      const prefix = readPrefix(json);
      if (prefix) entries.push({ offset: prefix.offset, json });
      else hints.push(json);
    },
    resubscribed: () => void resubscriptions++,
  });
  return { entries, hints, resubscriptions: () => resubscriptions, close: () => subscription.close() };
};

/** What one owner holds of a run: enough to write it again. */
export const restoreOf = (
  run: Started,
  text: string,
  change: { newLogId?: string; epoch?: number; owner?: string; messages?: Message[] } = {},
) => ({
  conversationId: run.conversationId,
  runId: run.runId,
  epoch: change.epoch ?? run.epoch,
  owner: change.owner ?? OWNER,
  leaseMs: LEASE_MS,
  newLogId: change.newLogId ?? newId(),
  userId: USER,
  title: 'A title',
  run: { runId: run.runId, parentId: run.messageId, model: 'count', startedAt: 1_700_000_000_000 },
  text,
  messages: change.messages ?? [
    {
      messageId: run.messageId,
      parentId: null,
      role: 'user' as const,
      text: 'count 3',
      status: 'complete' as const,
      createdAt: 1_700_000_000_000,
      author: USER,
    },
  ],
});
