/** Goes on with a claimed run from what is known of it beyond its store. */
import { asCopied, LIMITS, type RestoreRun, type RestoreRunResult, type RunLog, type RunRef, type SayRunning } from '@runnel/coordination';
import type { Logger } from '@runnel/kit';
import { isFinal, isWaiting, newId } from '@runnel/protocol';
import { areBehind, type LostWait } from './lost-waits.ts';
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

/**
 * The claim with what is known of its run beyond the store; null when the store refused that. A claim that was only dropped would be taken next
 * for one whose owner fell silent, and go on from the copy: where the store does not answer, the run is ended by this claim.
 */
export const goOnWith = (known: SayRunning | LostWait, ref: RunRef, claim: Claim, means: Means): Promise<Claim | null> =>
  known.kind === 'waits' ? waitAgain(known, ref, claim, means) : goOnFrom(known, ref, claim, means);

const commandOf = ({ conversationId, runId }: RunRef, claim: Claim, { owner, leaseMs }: Means) => {
  const { epoch, userId, title, run, messages, text, parts, request } = claim;
  const held = { epoch, userId, title, run, messages, text, parts, ...(request !== undefined && { request }) };
  return { conversationId, runId, owner, leaseMs, newLogId: newId(), ...held };
};

/** While the lease holds. */
const writeAgain = (command: RestoreRun, { runLog, retry, leaseMs }: Means): Promise<RestoreRunResult['outcome'] | 'failed'> =>
  untilAnswered(() => runLog.restoreRun(command), { ...retry, giveUpMs: leaseMs / 3 }).then(
    ({ outcome }) => outcome,
    () => 'failed',
  );

/**
 * With what its owner sent. The owner may have made calls that the copy has as not made: without its parts, or with parts that the copy is ahead
 * of, nothing is called or said, and the run ends `interrupted` with the owner's text (W-19).
 */
const goOnFrom = async (told: SayRunning, ref: RunRef, claim: Claim, means: Means): Promise<Claim | null> => {
  const { models, onHandOver } = means;
  const isWhole = told.parts !== undefined && areBehind(claim.parts, told.parts);
  const known: Claim = { ...claim, text: claim.text + told.text, ...(isWhole && { parts: [...told.parts!] }) };
  const outcome = await writeAgain(commandOf(ref, known, means), means);
  onHandOver(outcome === 'restored' ? 'taken' : 'refused');
  if (outcome === 'failed') return { ...claim, behind: true };
  if (outcome !== 'restored') return null;
  const { doubt: _, ...sure } = known;
  // A model that cannot continue says nothing more either.
  return isWhole && models[claim.run.model] ? sure : { ...known, behind: true };
};

/**
 * As the database has it: text and parts as people saw them, to be parked again with the same question. As for what comes back to a store that
 * knows nothing of it, an approved call counts as being called, and owners of whom the database has not heard are fenced by the epoch (W-19).
 * Where nobody is asked any more it may have ended, and people may have seen how: then it ends `interrupted` with all of that (P-2).
 */
const waitAgain = async ({ parked }: LostWait, ref: RunRef, claim: Claim, means: Means): Promise<Claim | null> => {
  const { log, onRepair } = means;
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
  const outcome = await writeAgain(command, means);
  onRepair(outcome === 'restored' ? 'waits' : 'failed');
  if (outcome === 'failed') return { ...claim, behind: true };
  if (outcome !== 'restored') return null;
  log.warn({ event: 'wait.restored', ...ref, epoch: waiting.epoch });
  return waiting;
};
