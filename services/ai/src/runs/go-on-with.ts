/** Goes on with a claimed run from what is known of it beyond its store. */
import { asCopied, LIMITS, type RunLog, type RunRef, type SayRunning } from '@runnel/coordination';
import type { Logger } from '@runnel/kit';
import { isFinal, isWaiting, newId } from '@runnel/protocol';
import type { LostWait } from './lost-waits.ts';
import type { Claim } from '../run/run-job.ts';
import type { HandOver } from './living-owner.ts';
import { untilAnswered, type RetryOptions } from './retry.ts';

interface Means {
  runLog: Pick<RunLog, 'restoreRun'>;
  owner: string;
  leaseMs: number;
  models: Readonly<Record<string, boolean>>;
  retry: RetryOptions;
  log: Logger;
  onHandOver(outcome: HandOver): void;
  onRepair(outcome: 'waits' | 'failed'): void;
}

/** The claim with what is known of its run beyond the store; null when the store refused that. */
export const goOnWith = (known: SayRunning | LostWait, ref: RunRef, claim: Claim, means: Means): Promise<Claim | null> =>
  known.kind === 'waits' ? waitAgain(known, ref, claim, means) : goOnFrom(known, ref, claim, means);

const commandOf = ({ conversationId, runId }: RunRef, claim: Claim, { owner, leaseMs }: Means) => {
  const { epoch, userId, title, run, messages, text, parts, request } = claim;
  const held = { epoch, userId, title, run, messages, text, parts, ...(request !== undefined && { request }) };
  return { conversationId, runId, owner, leaseMs, newLogId: newId(), ...held };
};

/** With the text its owner sent. */
const goOnFrom = async (told: SayRunning, ref: RunRef, claim: Claim, means: Means): Promise<Claim | null> => {
  const { runLog, models, onHandOver } = means;
  const text = claim.text + told.text;
  const { outcome } = await runLog.restoreRun(commandOf(ref, { ...claim, text }, means));
  onHandOver(outcome === 'restored' ? 'taken' : 'refused');
  if (outcome !== 'restored') return null;
  const { doubt: _, ...sure } = claim;
  // A run that cannot be continued ends `interrupted`, with all the text that its owner had.
  return { ...(models[claim.run.model] ? sure : claim), text };
};

/**
 * As the database has it: text and parts as people saw them, to be parked again with the same question. As for what comes back to a store that
 * knows nothing of it, an approved call counts as being called, and owners of whom the database has not heard are fenced by the epoch (W-19).
 * Where nobody is asked any more it may have ended, and people may have seen how: then it ends `interrupted` with all of that (P-2).
 */
const waitAgain = async ({ parked }: LostWait, ref: RunRef, claim: Claim, means: Means): Promise<Claim | null> => {
  const { runLog, retry, leaseMs, log, onRepair } = means;
  const { model, claims, text, used, requestedModel, base } = parked;
  const parts = asCopied(parked.parts);
  const { doubt: _, ...sure } = claim;
  const isAsked = parts.some((part) => part.kind === 'tool' && !isFinal(part)) || parts.some(isWaiting);
  const waiting: Claim = {
    ...(isAsked ? { ...sure, recalled: true } : claim),
    ...{ epoch: Math.max(claim.epoch, claims + 1) + LIMITS.copyEpochs, text, parts, run: { ...claim.run, model } },
    ...(used && { used }),
    ...(requestedModel !== undefined && { requestedModel }),
    ...(base !== undefined && { base }),
  };
  const command = { ...commandOf(ref, waiting, means), claimed: claim.epoch, step: Buffer.byteLength(text) };
  const { outcome } = await untilAnswered(() => runLog.restoreRun(command), { ...retry, giveUpMs: leaseMs / 3 });
  onRepair(outcome === 'restored' ? 'waits' : 'failed');
  if (outcome !== 'restored') return null;
  log.warn({ event: 'wait.restored', ...ref, epoch: waiting.epoch });
  return waiting;
};
