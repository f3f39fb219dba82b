import type {
  AppendChunkResult,
  BeginRunResult,
  CancelRequest,
  CancelRunResult,
  ChangeResult,
  ClaimRunResult,
  DecidePartResult,
  EndRunResult,
  ParkRunResult,
  ProposeTitleResult,
  PutPartResult,
  LogEntry,
  ReadState,
  ForkResult,
  RehydrateResult,
  RestoreEndResult,
  RestoreRunResult,
  RunLog,
  StoredMessage,
  SwitchModelResult,
} from '../run-log/run-log.ts';
import type { Used } from '../run-log/parts.ts';
import type { ExpelResult, MergeStoredResult } from '../proofs.ts';
import { readLargeMessage } from './large/large-message.ts';
import { isMessage, pathTo, spoiltBy } from '../messages.ts';
import { byIndex, readPart } from '../parts.ts';
import { readPrefix, type EndReason, type Part, type Trimmed } from '@runnel/protocol';

/** What scripts answer: an outcome word, then its values. */
export type Reply = [string, ...unknown[]];

export const outcomeOf = (reply: unknown): string => String((reply as Reply)[0]);

const orNull = (text: unknown): string | null => (text === '' || text === null || text === undefined ? null : String(text));
const parseMessages = (texts: unknown): StoredMessage[] =>
  (texts as (string | Buffer | null)[]).flatMap(
    (text) => (Buffer.isBuffer(text) ? readLargeMessage(text) : null) ?? parseMessage(text && String(text)) ?? [],
  );

/** Null for what is no message: one that cannot be read takes nothing else with it. */
const parseMessage = (text: string | null): StoredMessage | null => {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return isMessage(value) ? value : null;
  } catch {
    return null;
  }
};

/** The reply for `appended` is the bare offset: nearly every reply is one, and a list with a word costs both sides a tenth of a chunk. */
export type AppendReply = number | Reply;

export const appendOutcomeOf = (reply: AppendReply): string => (typeof reply === 'number' ? 'appended' : outcomeOf(reply));

export const toAppendResult = (reply: AppendReply): AppendChunkResult => {
  if (typeof reply === 'number') return { outcome: 'appended', offset: reply };
  const outcome = reply[0] as Exclude<AppendChunkResult['outcome'], 'appended'>;
  if (outcome === 'gap') return { outcome, bytes: Number(reply[1]) };
  return { outcome };
};

const doubtful = (flag: unknown): { doubtful?: true } => (Number(flag) === 1 ? { doubtful: true } : {});

export const toBeginResult = (reply: Reply): BeginRunResult => {
  const outcome = reply[0] as BeginRunResult['outcome'];
  if (outcome === 'started' || outcome === 'duplicate') return { outcome, runId: String(reply[1]), offset: Number(reply[2]) };
  if (outcome === 'busy') return { outcome, runId: String(reply[1]) };
  if (outcome === 'unfit') return { outcome, why: reply[1] === 'room' ? 'room' : 'blind' };
  if (outcome === 'other-model') return { outcome, model: String(reply[1]) };
  if (outcome === 'forbidden') return { outcome, ...doubtful(reply[1]) };
  if (outcome === 'older') return { outcome, messageId: String(reply[1]) };
  return { outcome };
};

const parseCancel = (flag: string): CancelRequest | null => {
  const bar = flag.indexOf('|');
  return bar < 0 ? null : { requestedAt: Number(flag.slice(0, bar)), by: flag.slice(bar + 1) };
};

/** Of a store that was written to by others: what cannot be read is not known. */
const usedOf = (json: string | undefined): { used?: Used } => {
  try {
    return json ? { used: JSON.parse(json) as Used } : {};
  } catch {
    return {};
  }
};

/** What a run keeps of the thread above it. */
const turnsOf = (thread: unknown): StoredMessage[] =>
  thread ? parseMessages((JSON.parse(String(thread)) as [string, string][]).map(([, json]) => json)) : [];

export const toClaimResult = (runId: string, reply: Reply): ClaimRunResult => {
  const outcome = reply[0] as ClaimRunResult['outcome'];
  if (outcome === 'owned') return { outcome, ...(reply[1] !== undefined && reply[1] !== '' && { model: String(reply[1]) }) };
  if (outcome !== 'claimed') return { outcome };
  const [
    ,
    epoch,
    logId,
    text,
    parent,
    model,
    startedAt,
    userId,
    title,
    cancel,
    trace,
    messages,
    doubt,
    claimedAt,
    tries,
    request,
    held,
    system,
    base,
    thread,
    requested,
    used,
  ] = reply as [string, ...string[]];
  const parentId = orNull(parent);
  const path = pathTo([...turnsOf(thread), ...parseMessages(messages)], parentId);
  const spoilt = spoiltBy(path, parentId, Number(tries ?? 0), model!);
  return {
    outcome,
    epoch: Number(epoch),
    logId: logId!,
    text: text!,
    parts: toParts(held),
    run: { runId, parentId, model: model!, startedAt: Number(startedAt) },
    userId: userId!,
    title: title!,
    messages: path,
    cancelled: parseCancel(cancel!),
    trace: orNull(trace),
    ...(request && { request: String(request) }),
    ...(spoilt && { spoilt }),
    claimedAt: Number(claimedAt),
    ...((doubt === 'stale' || doubt === 'lost') && { doubt }),
    ...(system && { system }),
    ...(Number(base ?? 0) > 0 && { base: Number(base) }),
    ...(requested && { requestedModel: requested }),
    ...usedOf(used),
  };
};

export const toSwitchResult = (reply: Reply): SwitchModelResult => {
  const outcome = reply[0] as SwitchModelResult['outcome'];
  return outcome === 'switched' ? { outcome, offset: Number(reply[1]) } : { outcome };
};

export const toEndResult = (reply: Reply): EndRunResult => {
  const outcome = reply[0] as EndRunResult['outcome'];
  if (outcome === 'ended') return { outcome, offset: Number(reply[1]), reason: reply[2] as EndReason };
  if (outcome === 'gap') return { outcome, bytes: Number(reply[1]) };
  return { outcome };
};

/** Four values a part: its JSON, text, input, output. */
const toParts = (held: unknown): Part[] => {
  const values = ((held as (string | Buffer)[] | undefined) ?? []).map(String);
  const parts: Part[] = [];
  for (let i = 0; i + 3 < values.length; i += 4) {
    const part = readPart(values[i]!, values[i + 1]!, values[i + 2]!, values[i + 3]!);
    if (part) parts.push(part);
  }
  return byIndex(parts);
};

export const toPutResult = (reply: Reply): PutPartResult => {
  const outcome = reply[0] as PutPartResult['outcome'];
  return outcome === 'put' ? { outcome, offset: Number(reply[1]) } : { outcome };
};

export const toPartChunkResult = (reply: Reply): AppendChunkResult =>
  reply[0] === 'appended' ? { outcome: 'appended', offset: Number(reply[1]) } : toAppendResult(reply);

export const toParkResult = (reply: Reply): ParkRunResult => {
  const outcome = reply[0] as ParkRunResult['outcome'];
  if (outcome === 'parked') return { outcome, offset: Number(reply[1]) };
  return outcome === 'gap' ? { outcome, bytes: Number(reply[1]) } : { outcome };
};

export const toDecideResult = (reply: Reply): DecidePartResult => {
  const outcome = reply[0] as DecidePartResult['outcome'];
  return outcome === 'decided' ? { outcome, offset: Number(reply[1]) } : { outcome };
};

export const toCancelResult = (reply: Reply): CancelRunResult => {
  const outcome = reply[0] as CancelRunResult['outcome'];
  return outcome === 'cancelling' ? { outcome, owned: Number(reply[1]) === 1 } : { outcome };
};

export const toRestoreResult = (reply: Reply): RestoreRunResult => {
  const outcome = reply[0] as RestoreRunResult['outcome'];
  return outcome === 'restored' ? { outcome, logId: String(reply[1]) } : { outcome };
};

export const toRestoreEndResult = (reply: Reply): RestoreEndResult => {
  const outcome = reply[0] as RestoreEndResult['outcome'];
  return outcome === 'restored' ? { outcome, logId: String(reply[1]) } : { outcome };
};

export const toRehydrateResult = (reply: Reply): RehydrateResult => {
  const outcome = reply[0] as RehydrateResult['outcome'];
  return outcome === 'rehydrated' ? { outcome, logId: String(reply[1]) } : { outcome };
};

export const toForkResult = (reply: Reply): ForkResult => {
  const outcome = reply[0] as ForkResult['outcome'];
  return outcome === 'forbidden' ? { outcome, ...(Number(reply[1]) === 1 && { doubtful: true }) } : { outcome };
};

export const toMergeResult = (reply: Reply): MergeStoredResult => {
  const outcome = reply[0] as MergeStoredResult['outcome'];
  return outcome === 'merged' ? { outcome, logId: String(reply[1]) } : { outcome };
};

export const toExpelResult = (reply: Reply): ExpelResult => {
  const outcome = reply[0] as ExpelResult['outcome'];
  return outcome === 'expelled' ? { outcome, userId: String(reply[1]) } : { outcome };
};

export const toChangeResult = (reply: Reply): ChangeResult => {
  const outcome = reply[0] as ChangeResult['outcome'];
  if (outcome === 'done') return { outcome, offset: Number(reply[1]) };
  if (outcome === 'not-found') return { outcome, ...(Number(reply[1]) === 1 && { older: true as const }) };
  return outcome === 'busy' ? { outcome, runId: String(reply[1]) } : { outcome };
};

export const toProposeResult = (reply: Reply): ProposeTitleResult => {
  const outcome = reply[0] as ProposeTitleResult['outcome'];
  return outcome === 'named' ? { outcome, offset: Number(reply[1]) } : { outcome };
};

export const toHistory = (reply: Reply): Awaited<ReturnType<RunLog['readHistory']>> => {
  const kind = reply[0] as 'page' | 'none' | 'forbidden';
  if (kind === 'none') return { kind, ...(reply[1] === 'deleted' && { deleted: true }) };
  if (kind !== 'page') return { kind };
  const [, hasMore, messages, cut, lossy] = reply;
  const notes = { ...(Number(cut) === 1 && { cut: true as const }), ...(Number(lossy) === 1 && { lossy: true as const }) };
  return { kind, hasMore: Number(hasMore) === 1, messages: parseMessages(messages), ...notes };
};

const trimmedOf = (cut?: string, lost?: string): { trimmed?: Trimmed } =>
  cut ? { trimmed: { messages: Number(cut), tokens: Number(lost) } } : {};

const toEntry = (json: string): LogEntry => ({ offset: readPrefix(json.slice(0, 256))!.offset, json });

export const toReadState = (reply: Reply): ReadState => {
  const kind = reply[0] as ReadState['kind'];
  if (kind === 'none') return { kind };
  if (kind === 'forbidden') return { kind, ...doubtful(reply[1]) };
  if (kind === 'tail') {
    return {
      kind,
      logId: String(reply[1]),
      offset: Number(reply[2]),
      entries: (reply[3] as (string | Buffer)[]).map((json) => toEntry(String(json))),
    };
  }
  const [, logId, offset, title, hasMore, messages, running, lossy, unproven] = reply as [string, ...unknown[]];
  const [runId, parentId, model, epoch, startedAt, text, held, waiting, cut, lost, requested] = running as string[];
  const parts = toParts(held);
  return {
    kind,
    logId: String(logId),
    offset: Number(offset),
    title: String(title),
    hasMore: Number(hasMore) === 1,
    ...(Number(unproven) === 1 && { unproven: true as const }),
    messages: parseMessages(messages),
    ...(Number(lossy) > 0 && { lossy: true }),
    ...(Number(lossy) === 2 && { behind: true }),
    run:
      runId === undefined
        ? null
        : {
            ...{ runId, parentId: orNull(parentId), model: model!, epoch: Number(epoch), text: String(text), startedAt: Number(startedAt) },
            ...(parts.length > 0 && { parts }),
            ...(waiting && { waiting: JSON.parse(waiting) as string[] }),
            ...trimmedOf(cut, lost),
            ...(requested && { requestedModel: requested }),
          },
  };
};
