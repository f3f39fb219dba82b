import { isDeepStrictEqual } from 'node:util';
import type { Message } from '@runnel/protocol';
import { pathTo, spoiltBy } from '../messages.ts';
import { endOfParts, factsOf, standingOf, streamedBytes } from '../parts.ts';
import { emitPart } from './parts.ts';
import { LIMITS } from '../limits.ts';
import { receiptOf } from '../receipt.ts';
import { refusal } from './refusal.ts';
import type { MemoryRun, MemoryStore } from './store.ts';
import type {
  AppendChunk,
  AppendChunkResult,
  CancelRun,
  CancelRunResult,
  ClaimRun,
  ClaimRunResult,
  EndRun,
  EndRunResult,
  ReleaseOutcome,
  ReleaseRun,
  RenewOutcome,
} from '../run-log/run-log.ts';
import { chooseFree, type FreeRun, type Seek, type Waiting } from '../redis/free-runs.ts';
import { runKey, type OwnedRun, type RunRef } from '../run-ref.ts';

const hold = (run: MemoryRun, owner: string, epoch: number, now: number, leaseMs: number): void => {
  run.owner = owner;
  run.epoch = epoch;
  if (run.nodes?.at(-1) !== owner) run.nodes = [...(run.nodes ?? []), owner];
  run.expires = now + leaseMs;
  run.leaseMs = leaseMs;
  run.tries += 1;
  run.queuedAt = null;
};

/** A lease cannot end further away than it is long, give or take a second: then the clock has gone back since it was written. */
const isAlive = ({ expires, leaseMs }: MemoryRun, now: number): boolean => expires > now && expires - now <= leaseMs + LIMITS.clockStepMs;

/** The model begins again at the last end of a step; with calls still open it is not its turn yet, and nothing goes. */
const OPEN_CALLS: ReadonlySet<string> = new Set(['ready', 'waiting', 'approved', 'running', 'unknown']);
const beginsAgain = ({ parts, bytes, step }: MemoryRun): boolean =>
  parts.length === 0 || (bytes > step && !parts.some(({ state }) => OPEN_CALLS.has(state)));

export const claimRun = (store: MemoryStore, { conversationId, runId, owner, leaseMs, models }: ClaimRun): ClaimRunResult => {
  const conversation = store.conversations.get(conversationId);
  const run = store.runOf(conversationId, runId);
  if (run?.status !== 'running' || conversation?.active !== runId) return { outcome: 'gone' };
  const now = store.now();
  if (isAlive(run, now) || (run.waiting !== null && !run.cancel)) return { outcome: 'owned', model: run.model };
  // An owner that lives and went on with what is a copy here has a moment to write what it has.
  const { copied } = run;
  // So it has where the store changed: it may have gone back to a moment in which the answer waited.
  const changedAt = run.parts.length > 0 && run.owner === null && store.generation.since > 0 ? store.generation.since : null;
  const youngUntil = Math.max(copied?.at ?? 0, changedAt ?? 0) + LIMITS.copyMs;
  if (!run.cancel && now < youngUntil) return { outcome: 'owned', model: run.model };
  // Older than the store's last change, and neither renewed, released nor begun since: who saw its end has a second to say so.
  const { since } = store.generation;
  const isLost = !copied && since > 0 && (run.owner === null ? (run.queuedAt ?? 0) <= since : run.expires <= since + LIMITS.changedLeaseMs);
  // An owner that lives comes back within a second or two of its store and writes its answer again.
  if (isLost && now < since + (run.owner === null ? LIMITS.endToldMs : LIMITS.ownerBackMs)) return { outcome: 'owned', model: run.model };
  const canContinue = Object.hasOwn(models, run.model) ? models[run.model] : undefined;
  if (canContinue === undefined && !run.cancel) {
    return { outcome: 'unsuited' };
  }
  const isStale = copied !== undefined || run.owner !== null || (run.queuedAt !== null && run.queuedAt < now - LIMITS.staleQueueMs);
  const doubt = isLost ? ('lost' as const) : isStale ? ('stale' as const) : null;
  store.recheck(conversation);
  hold(run, owner, Math.max(run.epoch, copied?.claims ?? 0) + 1 + (copied ? LIMITS.copyEpochs : 0), now, leaseMs);
  run.copied = undefined;
  if (run.epoch > 1) {
    const restarted = !canContinue && !run.cancel && !isLost && beginsAgain(run);
    if (restarted) Object.assign(run, { text: Buffer.from(run.text).subarray(0, run.step).toString(), bytes: run.step });
    const moved = { runId, epoch: run.epoch, bytes: run.bytes, restarted };
    store.emit(conversation, 'run-moved', moved);
    store.audit(conversation, 'RECOVERY_ATTEMPT', { ...moved, kind: 'claim', owner }, run.trace);
    store.keepLonger(conversation);
  }
  const path = pathTo([...(run.thread ?? []), ...conversation.messages.values()], run.parentId);
  const spoilt = spoiltBy(path, run.parentId, run.tries, run.model);
  return {
    outcome: 'claimed',
    epoch: run.epoch,
    logId: conversation.logId,
    text: run.text,
    parts: [...run.parts],
    run: { runId, parentId: run.parentId, model: run.model, startedAt: run.startedAt },
    userId: conversation.userId,
    title: conversation.title,
    messages: path,
    cancelled: run.cancel,
    trace: run.trace || null,
    ...(run.request !== undefined && { request: run.request }),
    ...(spoilt && { spoilt }),
    claimedAt: now,
    ...(doubt && { doubt }),
    ...(conversation.system && { system: conversation.system }),
    ...(run.base !== undefined && { base: run.base }),
    ...(run.used && { used: run.used }),
    ...(run.requestedModel !== undefined && { requestedModel: run.requestedModel }),
  };
};

export const appendChunk = (store: MemoryStore, { conversationId, runId, epoch, at, text, t }: AppendChunk): AppendChunkResult => {
  const run = store.runOf(conversationId, runId);
  const refused = refusal(run, epoch);
  if (refused) return { outcome: refused };
  const held = run!;
  const chunk = text.toWellFormed();
  if (at !== held.bytes) {
    const end = at + Buffer.byteLength(chunk);
    const stands = end <= held.bytes && Buffer.from(held.text).subarray(at, end).equals(Buffer.from(chunk));
    return stands ? { outcome: 'duplicate' } : { outcome: 'gap', bytes: held.bytes };
  }
  if (held.cancel) return { outcome: 'cancelled' };
  held.text += chunk;
  held.bytes += Buffer.byteLength(chunk);
  const conversation = store.conversations.get(conversationId)!;
  return { outcome: 'appended', offset: store.emit(conversation, 'chunk', { runId, at, t, text: chunk }) };
};

export const ENDED = {
  complete: 'STREAM_COMPLETED',
  cancelled: 'STREAM_CANCELLED',
  failed: 'STREAM_ERROR',
  interrupted: 'STREAM_ERROR',
} as const;

export const endRun = (store: MemoryStore, command: EndRun): EndRunResult => {
  const { conversationId, runId, epoch, bytes, sha256, usage } = command;
  const run = store.runOf(conversationId, runId);
  const mayEnd = epoch === null && run?.status === 'running' && run.cancel !== null;
  const refused = mayEnd ? null : refusal(run, epoch ?? 0);
  if (refused || (epoch === null && !mayEnd)) return { outcome: refused ?? 'fenced' };
  const held = run!;
  if (held.bytes !== bytes) return { outcome: 'gap', bytes: held.bytes };

  const ending = command.parts ?? [];
  const same = ({ from, part }: (typeof ending)[number], index: number): boolean => {
    const kept = held.parts[index];
    return kept?.partId === part.partId && kept.state === from && streamedBytes(kept) === streamedBytes(part);
  };
  if (ending.length !== held.parts.length || !ending.every(same)) return { outcome: 'changed' };
  const now = store.now();
  const conversation = store.conversations.get(conversationId)!;
  store.recheck(conversation);
  const { parts: shown, sum } = endOfParts(ending);
  for (const { from, part } of ending) {
    if (from === part.state && from !== 'unknown') continue;
    emitPart(store, conversation, runId, part);
    store.audit(conversation, 'PART_CHANGED', { runId, ...factsOf(part, { isEnding: true }) }, held.trace);
  }
  const { parentId, model, startedAt, owner, trace, text } = held;
  const wanted = held.cancel;
  // The user who cancelled got `cancelling`, so the run ends `cancelled` even if the model finished or failed in that moment.
  const { reason, error, finish } = wanted ? { reason: 'cancelled' as const, error: undefined, finish: undefined } : command;
  const finished = finish && { finish };
  const { receipt } = receiptOf({ ...command, reason, finish }, now - startedAt, held.nodes ?? (held.owner === null ? [] : [held.owner]));
  const ended = {
    reason,
    bytes,
    sha256,
    ...finished,
    ...(usage && { usage }),
    ...(error && { error }),
    ...(wanted && { cancel: { requestedAt: wanted.requestedAt, stoppedAt: now } }),
    ...(sum && { parts: sum }),
    ...(receipt && { receipt }),
    endedAt: now,
  };
  const message: Message = {
    messageId: runId,
    parentId,
    role: 'assistant',
    text,
    status: reason,
    ...finished,
    ...(held.trimmed && { trimmed: held.trimmed }),
    model,
    ...(held.requestedModel !== undefined && { requestedModel: held.requestedModel }),
    createdAt: startedAt,
    ...(usage && { usage }),
    ...(shown && { parts: shown }),
    ...(receipt && { receipt }),
  };
  store.keep(conversation, message);
  conversation.leaf = runId;
  conversation.active = null;
  held.status = reason;
  const offset = store.emit(conversation, 'run-ended', { runId, ...ended });
  const by = wanted && { cancelledBy: wanted.by };
  store.audit(conversation, ENDED[reason], { runId, parentId, model, epoch: held.epoch, owner, startedAt, ...by, ...ended, text }, trace);
  Object.assign(held, { owner: null, queuedAt: null, parts: [], waiting: null, request: undefined, thread: undefined });
  store.forgetLater(held);
  store.touch(conversation);
  return { outcome: 'ended', offset, reason };
};

export const cancelRun = (store: MemoryStore, { conversationId, runId, userId }: CancelRun): CancelRunResult => {
  const conversation = store.conversations.get(conversationId);
  const run = store.runOf(conversationId, runId);
  if (conversation && conversation.userId !== userId) return { outcome: 'forbidden' };
  if (!conversation || !run) return { outcome: 'gone' };
  if (run.status !== 'running') return { outcome: 'already-ended' };
  run.cancel ??= { by: userId, requestedAt: store.now() };
  if (run.waiting !== null) Object.assign(run, { waiting: null, queuedAt: store.now() });
  store.wake({ kind: 'cancel', conversationId, runId });
  return { outcome: 'cancelling', owned: isAlive(run, store.now()) };
};

export const renewLease = (
  store: MemoryStore,
  owner: string,
  leaseMs: number,
  { conversationId, runId, epoch }: OwnedRun,
): RenewOutcome => {
  const run = store.runOf(conversationId, runId);
  const refused = refusal(run, epoch);
  if (refused) return refused;
  if (run!.owner !== owner) return 'fenced';
  Object.assign(run!, { expires: store.now() + leaseMs, leaseMs });
  return run!.cancel ? 'cancelled' : 'renewed';
};

export const doubtOwner = (store: MemoryStore, owner: string, keepMs: number): RunRef[] => {
  const expires = store.now() + keepMs;
  const cut = [...store.runs.values()].filter((run) => run.status === 'running' && run.owner === owner && run.expires > expires);
  for (const run of cut) run.expires = expires;
  return cut.map(({ conversationId, runId }) => ({ conversationId, runId }));
};

export const releaseRun = (store: MemoryStore, { conversationId, runId, epoch, standing }: ReleaseRun): ReleaseOutcome => {
  const run = store.runOf(conversationId, runId);
  const refused = refusal(run, epoch);
  if (refused) return refused;
  const has = (): boolean => run!.bytes === standing!.bytes && isDeepStrictEqual(standingOf(run!.parts), standingOf(standing!.parts));
  if (standing && !run!.cancel && !has()) return 'gap';
  Object.assign(run!, { owner: null, expires: 0, queuedAt: store.now(), tries: Math.max(0, run!.tries - 1) });
  store.wake({ kind: 'free', conversationId, runId });
  return 'released';
};

export const placesInLine = (store: MemoryStore, runs: readonly RunRef[]): Map<string, number> => {
  const waiting = [...store.runs.values()].flatMap(({ status, queuedAt }) => (status === 'running' && queuedAt !== null ? [queuedAt] : []));
  const places = new Map<string, number>();
  for (const run of runs) {
    const since = store.runOf(run.conversationId, run.runId)?.queuedAt;
    if (typeof since === 'number') places.set(runKey(run), 1 + waiting.filter((other) => other < since).length);
  }
  return places;
};

export const findFreeRuns = (
  store: MemoryStore,
  limit: number,
  { models, full = [], orphanMs = 0, announce = false }: Seek = {},
): FreeRun[] => {
  const now = store.now();
  if (announce) for (const model of Object.keys(models ?? {})) store.seenModels.set(model, now);
  const waiting = [...store.runs.values()].filter(
    (run) => run.status === 'running' && run.waiting === null && (run.queuedAt !== null || !isAlive(run, now)),
  );
  const orphanOf = (run: MemoryRun): string | null | undefined => {
    if (!models || run.cancel) return null;
    if (Object.hasOwn(models, run.model)) return full.includes(run.model) ? undefined : null;
    const since = Math.max(run.startedAt, store.seenModels.get(run.model) ?? 0);
    return orphanMs > 0 && now - since >= orphanMs ? run.model : undefined;
  };
  const suited = waiting
    .sort((a, b) => (a.queuedAt ?? a.expires) - (b.queuedAt ?? b.expires))
    .flatMap((run): Waiting[] => {
      const orphan = orphanOf(run);
      if (orphan === undefined) return [];
      const { conversationId, runId, epoch } = run;
      const userId = store.conversations.get(conversationId)?.userId ?? '';
      return [{ conversationId, runId, userId, ...(epoch > 0 && { half: true as const }), ...(orphan !== null && { orphan }) }];
    });
  const chosen = chooseFree(suited, limit);
  return models ? chosen : chosen.map(({ conversationId, runId }) => ({ conversationId, runId }));
};
