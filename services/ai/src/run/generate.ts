import type { EndRun } from '@runnel/coordination';
import { isWaiting, newId, RunnelError, type EndReason, type Finish, type Usage } from '@runnel/protocol';
import { AppendLoop, OUTAGE_MS } from './append-loop.ts';
import { watchFirstWord } from './timeline.ts';
import { systemClock } from '../runs/clock.ts';
import type { ModelMessage } from '../models/provider.ts';
import { untilAnswered } from '../runs/retry.ts';
import { askedOf } from './asked.ts';
import { emptyAnswer, endAs, isDeleted, mayBeEmpty, toEndError, withhold } from './ends.ts';
import { parkRun } from '../parking/park.ts';
import { withContents } from './attachments.ts';
import { Decisions } from '../tools/decisions.ts';
import type { ActiveRun, Claim, RunJob, RunResult, StopReason } from './run-job.ts';
import { estimateUsage, sumUsage } from './usage.ts';
import { afterEnd, afterFailure } from './verdict.ts';
import { write } from './write.ts';

/** Wait between two tries to end a run whose text in the store differs. */
const END_RETRY_MS = 100;

/** Runs one claimed run to its end: the model's text through the append loop into the log, then one `endRun`. */
export const generate = (job: RunJob): ActiveRun => {
  const { ref, claim, model, owner, leaseMs, runLog, giveUp, observe = {}, clock = systemClock, random } = job;
  const { conversationId, runId } = ref;
  const { epoch } = claim;
  const owned = { conversationId, runId, epoch };
  const stopping = new AbortController();
  const stop = (reason: StopReason): void => stopping.abort(reason);
  const decisions = new Decisions();
  const first = watchFirstWord(claim, observe, clock);
  const held = {
    ...{ ...owned, owner, leaseMs, userId: claim.userId, title: claim.title, run: claim.run, messages: claim.messages },
    ...(claim.request !== undefined && { request: claim.request }),
  };
  const appends = new AppendLoop({
    text: claim.text,
    parts: claim.parts,
    run: held,
    runLog,
    newLogId: newId,
    onVerdict: stop,
    giveUp,
    observe: first.observer,
    clock,
    ...(random && { random }),
  });
  let isWithheld = false;
  const asked = askedOf(claim, model);
  const heldBytes = Buffer.byteLength(claim.text);
  const before = costBefore(claim, asked.messages, heldBytes);
  const retry = {
    clock,
    ...(random && { random }),
    giveUpMs: OUTAGE_MS,
    signal: giveUp,
    onFailure: (error: unknown, attempt: number) => attempt === 0 && observe.troubled?.(error),
  };

  const run = async (): Promise<RunResult> => {
    if (claim.cancelled !== null) stop('cancel');
    // Its question was deleted: nobody can say what it would be an answer to.
    else if (isDeleted(claim)) stop('interrupt');
    // The store changed, and no pod knows whether the run had ended: do not generate again an answer that readers may have seen complete.
    else if (claim.behind || (claim.doubt === 'lost' && (epoch > 1 || claim.text !== ''))) stop('interrupt');
    const told = stopping.signal.aborted
      ? asked
      : await withContents(asked, model, { ...retry, files: job.files ?? null, signal: stopping.signal });
    const written = await write(job, told, appends, stopping.signal, { decisions, reread });
    if (!stopping.signal.aborted) appends.finish();
    if (stopping.signal.reason === 'cancel') await appends.freeze();
    else await appends.flush();
    // The outcomes of the last appends take precedence over the reason the writing stopped for.
    if (appends.verdict === 'given-up') return 'given-up';
    if (appends.verdict === 'lost') return lose(appends.cause);
    if (appends.verdict === 'fenced' || stopping.signal.reason === 'fenced') return 'fenced';
    if (appends.verdict === 'cancel' || stopping.signal.reason === 'cancel') return end('cancelled', written.usage);
    if (stopping.signal.reason === 'release') return release();
    if (stopping.signal.reason === 'interrupt') return end('interrupted', written.usage);
    if (written.waiting) return park(written.waiting, written.usage);
    const isAnswer = appends.whole.trim() !== '' || appends.parts.all.length > 0 || mayBeEmpty(claim, written.finish);
    if (written.error === null && isAnswer) return end('complete', written.usage, { finish: written.finish });
    const isEmpty = appends.whole === '' && appends.parts.all.length === 0;
    if (written.error !== null && isEmpty && (await job.fallBack?.(written.error))) return 'rerouted';
    const error = written.error ?? emptyAnswer(written.finish);
    observe.failed?.(error);
    return end('failed', written.usage, { finish: written.finish, error });
  };

  const end = async (
    reason: EndReason,
    usage: Usage | null,
    { finish, error }: { finish?: Finish; error?: RunnelError } = {},
  ): Promise<RunResult> => {
    const giveUpAt = clock.now() + OUTAGE_MS;
    let standing = appends.standing();
    while (!giveUp.aborted && clock.now() < giveUpAt) {
      const command: EndRun = {
        ...owned,
        ...standing,
        ...ending(reason),
        ...first.told(),
        reason,
        ...(finish && { finish }),
        usage: costWith(usage, standing.bytes),
        ...(error && { error: toEndError(error) }),
      };
      const result = await untilAnswered(() => runLog.endRun(command), retry);
      const next = afterEnd(result.outcome, reason === 'cancelled');
      if (result.outcome === 'ended') {
        observe.ended?.(result.offset, finish);
        remember(endAs(command, result.reason ?? reason));
      }
      // A gateway has ended the cancelled run, with the frozen text.
      if (result.outcome === 'closed' && reason === 'cancelled') remember(command);
      if (next === 'done') return reason;
      if (next === 'fenced') return 'fenced';
      if (next === 'reread' && !(await reread())) await appends.restore();
      const cut = next === 'cut' && result.outcome === 'gap' ? appends.standingAt(result.bytes) : null;
      if (cut === null && next !== 'reread') await appends.restore();
      if (appends.verdict === 'fenced' || appends.verdict === 'given-up') return appends.verdict;
      if (appends.verdict === 'lost') throw appends.cause;
      standing = cut ?? appends.standing();
      await clock.sleep(END_RETRY_MS, giveUp);
    }
    return 'given-up';
  };

  /** The parts as this end leaves them; nothing without parts. */
  const ending = (reason: EndReason): Pick<EndRun, 'parts'> => {
    const parts = appends.parts.ending(reason === 'cancelled' ? 'cancelled' : 'interrupted', clock.wall());
    return parts.length > 0 ? { parts } : {};
  };

  /** Takes over what people have decided meanwhile. False when nothing of the sort is known. */
  const reread = async (): Promise<boolean> => {
    const state = await untilAnswered(() => runLog.readState({ conversationId }), retry);
    const parts = state.kind === 'snapshot' && state.run?.runId === runId ? (state.run.parts ?? []) : [];
    const changed = parts.filter((part) =>
      appends.parts.all.some((held) => isWaiting(held) && held.partId === part.partId && held.state !== part.state),
    );
    appends.parts.learn(changed);
    return changed.length > 0;
  };

  /** Nobody holds the run until people have decided. */
  const park = async (partIds: readonly string[], usage: Usage | null): Promise<RunResult> => {
    const { bytes } = appends.standing();
    const command = { ...owned, userId: claim.userId, partIds, bytes, parts: appends.parts.all, usage: costWith(usage, bytes) };
    const { outcome } = await parkRun(runLog, job.stored, command, retry);
    if (outcome === 'parked') return 'parked';
    if (outcome === 'cancelled') return end('cancelled', usage);
    if (outcome === 'fenced' || outcome === 'closed') return 'fenced';
    if (outcome === 'changed') await reread();
    else await appends.restore();
    if (appends.verdict !== null) return appends.verdict === 'cancel' ? end('cancelled', usage) : appends.verdict;
    if (usage !== null) before.push(usage);
    return run();
  };

  /** Of the whole run, with an estimate where the provider said nothing of its last request. */
  const costWith = (usage: Usage | null, bytes: number): Usage =>
    sumUsage(...before, usage ?? estimateUsage(asked.messages, Math.max(0, bytes - heldBytes)));

  const remember = ({ epoch: _epoch, ...ended }: EndRun): void => {
    if (isWithheld) return;
    const { userId, title, run: claimed } = held;
    const text = Buffer.from(appends.whole).subarray(0, ended.bytes).toString();
    observe.known?.({ ...ended, epoch, userId, title, run: claimed, messages: claim.messages, text });
  };

  /** Ends the run with what the store has of it, once: another pod would fail by the same bug, until the run's takeovers are used up. */
  const lose = async (cause: unknown): Promise<RunResult> => {
    observe.lost?.(cause);
    const error = new RunnelError('internal');
    const command: EndRun = {
      ...{ ...owned, ...appends.standing(), ...ending('failed'), reason: 'failed', finish: 'error' },
      error: { code: error.code, message: error.message },
    };
    const first = await runLog.endRun(command).catch(() => null);
    const cut = first?.outcome === 'gap' ? appends.standingAt(first.bytes) : null;
    if (cut !== null) await runLog.endRun({ ...command, ...cut }).catch(() => null);
    return 'lost';
  };

  const release = async (): Promise<RunResult> => {
    const giveUpAt = clock.now() + OUTAGE_MS;
    while (!giveUp.aborted && clock.now() < giveUpAt) {
      const standing = { bytes: appends.standing().bytes, parts: appends.parts.all };
      const outcome = await untilAnswered(() => runLog.releaseRun({ ...owned, standing }), retry);
      if (outcome === 'released') return 'released';
      if (outcome === 'fenced' || outcome === 'closed') return 'fenced';
      // A store that forgot it, or went back behind it, would hand on nothing, or less than was shown.
      await appends.restore();
      if (appends.verdict === 'lost') throw appends.cause;
      if (appends.verdict !== null) return appends.verdict === 'given-up' ? 'given-up' : 'fenced';
      await clock.sleep(END_RETRY_MS, giveUp);
    }
    return 'given-up';
  };

  return {
    stop,
    decided: () => decisions.tell(),
    restore: (askedAt) => void appends.restore(askedAt),
    text: () => appends.whole,
    parts: () => appends.parts.all,
    withhold: (messageId) => {
      if (messageId === undefined || messageId === runId) isWithheld = true;
      else withhold(held, messageId);
    },
    // A store that stayed away for too long, or the end of the process, leaves a run without an end: its lease expires.
    done: run().catch((error: unknown) => {
      const result = afterFailure(error, giveUp.aborted);
      return result === 'lost' ? lose(error) : result;
    }),
  };
};

/** What owners before this one have cost: what was known when the run began to wait, and an estimate of what came since. */
const costBefore = ({ used, base = 0, epoch }: Claim, messages: readonly ModelMessage[], heldBytes: number): Usage[] => {
  const known = used ? [used.usage] : [];
  const from = Math.max(base, used?.bytes ?? 0);
  return epoch > 1 && heldBytes > from ? [...known, estimateUsage(messages, heldBytes - from)] : known;
};
