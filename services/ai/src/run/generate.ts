import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ClaimRunResult, EndRun, RunLog, RunRef } from '@runnel/coordination';
import { newId, RunnelError, type EndReason, type Finish, type Usage } from '@runnel/protocol';
import { AppendLoop, OUTAGE_MS, type AppendObserver } from './append-loop.ts';
import { systemClock, type Clock } from '../runs/clock.ts';
import type { EndedRun } from '../runs/ended-runs.ts';
import type { Model } from '../models/registry.ts';

import { untilAnswered } from '../runs/retry.ts';
import { ANSWER_BYTES, fittingText } from './answer-bytes.ts';
import { askedOf, type Asked } from './asked.ts';
import { estimateUsage } from './usage.ts';
import { afterEnd, afterFailure, type Verdict } from './verdict.ts';

export type Claim = Extract<ClaimRunResult, { outcome: 'claimed' }>;

/** How a run left this pod: ended for good, handed back (drain), taken by somebody else, left to its lease, or lost by a bug. */
export type RunResult = EndReason | 'released' | 'fenced' | 'given-up' | 'lost';

/** Why a run must stop: a cancel is wanted, the pod drains (with others to go on, or as the only one), or it is no longer ours. */
export type StopReason = 'release' | 'interrupt' | Verdict;

export interface RunObserver extends AppendObserver {
  /** Milliseconds from opening the model to its first text. */
  firstToken?(ms: number): void;
  /** Milliseconds the model's next text took. */
  token?(waitedMs: number): void;
  failed?(error: RunnelError): void;
  /** The answer was stopped at `maxAnswerBytes`. */
  cut?(): void;
  /** A bug of ours took the run from us. */
  lost?(error: unknown): void;
  /** The run's end stands in the log, at this offset. */
  ended?(offset: number, finish?: Finish): void;
  /** The end as it was written, by this pod or for it. */
  known?(end: EndedRun): void;
}

export interface RunJob {
  ref: RunRef;
  claim: Claim;
  model: Model;
  owner: string;
  leaseMs: number;
  runLog: Pick<RunLog, 'appendChunk' | 'endRun' | 'releaseRun' | 'restoreRun'>;
  /** UTF-8 bytes that the answer may grow to; a model that goes on is stopped there, and the answer is `complete` with finish `length`. */
  maxAnswerBytes?: number | undefined;
  /** Aborts when the process must end: nothing waits for the store any longer. */
  giveUp: AbortSignal;
  observe?: RunObserver;
  clock?: Clock;
  random?: () => number;
}

export interface ActiveRun {
  /** Only the first reason counts. */
  stop(reason: StopReason): void;
  /** The store has lost the run: said by a renewal that was sent at `askedAt` (the clock's `now`). */
  restore(askedAt: number): void;
  /** All of the answer that the model has said so far. */
  text(): string;
  readonly done: Promise<RunResult>;
}

/** A model with much buffered text yields it without a turn of the event loop: after this long, other runs get a turn. */
const TURN_MS = 10;
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
  const appends = new AppendLoop({
    text: claim.text,
    run: {
      ...{ ...owned, owner, leaseMs, userId: claim.userId, title: claim.title, run: claim.run, messages: claim.messages },
      ...(claim.request !== undefined && { request: claim.request }),
    },
    runLog,
    newLogId: newId,
    onVerdict: stop,
    giveUp,
    observe,
    clock,
    ...(random && { random }),
  });
  const asked = askedOf(claim, model.system);
  const { messages } = asked;
  const retry = {
    clock,
    ...(random && { random }),
    giveUpMs: OUTAGE_MS,
    signal: giveUp,
    onFailure: (error: unknown, attempt: number) => attempt === 0 && observe.troubled?.(error),
  };

  const run = async (): Promise<RunResult> => {
    if (claim.cancelled !== null) stop('cancel');
    // The store changed, and no pod knows whether the run had ended: do not generate again an answer that readers may have seen complete.
    else if (claim.doubt === 'lost' && (epoch > 1 || claim.text !== '')) stop('interrupt');
    const written = await write(job, asked, appends, stopping.signal);
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
    if (written.error === null && appends.whole.trim() !== '') return end('complete', written.usage, { finish: written.finish });
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
        reason,
        ...(finish && { finish }),
        usage: usage ?? estimateUsage(messages, standing.bytes),
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
      const cut = next === 'cut' && result.outcome === 'gap' ? appends.standingAt(result.bytes) : null;
      if (cut === null) await appends.restore();
      if (appends.verdict === 'fenced' || appends.verdict === 'given-up') return appends.verdict;
      if (appends.verdict === 'lost') throw appends.cause;
      standing = cut ?? appends.standing();
      await clock.sleep(END_RETRY_MS, giveUp);
    }
    return 'given-up';
  };

  const remember = ({ epoch: _epoch, ...ended }: EndRun): void => {
    const { userId, title, run: claimed } = claim;
    const text = Buffer.from(appends.whole).subarray(0, ended.bytes).toString();
    observe.known?.({ ...ended, epoch, userId, title, run: claimed, messages: claim.messages, text });
  };

  /** Ends the run with what the store has of it, once: another pod would fail by the same bug, until the run's takeovers are used up. */
  const lose = async (cause: unknown): Promise<RunResult> => {
    observe.lost?.(cause);
    const error = new RunnelError('internal');
    const command: EndRun = {
      ...{ ...owned, ...appends.standing(), reason: 'failed', finish: 'error' },
      error: { code: error.code, message: error.message },
    };
    const first = await runLog.endRun(command).catch(() => null);
    const cut = first?.outcome === 'gap' ? appends.standingAt(first.bytes) : null;
    if (cut !== null) await runLog.endRun({ ...command, ...cut }).catch(() => null);
    return 'lost';
  };

  const release = async (): Promise<RunResult> => {
    const outcome = await untilAnswered(() => runLog.releaseRun(owned), retry);
    return outcome === 'released' ? 'released' : 'fenced';
  };

  return {
    stop,
    restore: (askedAt) => void appends.restore(askedAt),
    text: () => appends.whole,
    // A store that stayed away for too long, or the end of the process, leaves a run without an end: its lease expires.
    done: run().catch((error: unknown) => {
      const result = afterFailure(error, giveUp.aborted);
      return result === 'lost' ? lose(error) : result;
    }),
  };
};

const toEndError = ({ code, message, retryAfterMs, providerStatus, providerCode }: RunnelError): NonNullable<EndRun['error']> => ({
  code,
  message,
  ...(retryAfterMs !== undefined && { retryAfterMs }),
  ...(providerStatus !== undefined && { status: providerStatus }),
  ...(providerCode !== undefined && { providerCode }),
});

/** An empty answer is a failure, whatever finish the provider reports. */
const emptyAnswer = (finish: Finish): RunnelError =>
  new RunnelError(
    'model-failed',
    finish === 'tools' ? 'The model asked for a tool; there is none here.' : 'The model gave an empty answer.',
  );

/** A cancel that reached the store before the end changed its reason: then the end has neither finish nor error. */
const endAs = ({ finish, error, ...command }: EndRun, reason: EndReason): EndRun =>
  reason === command.reason ? { ...command, ...(finish && { finish }), ...(error && { error }) } : { ...command, reason };

interface Written {
  usage: Usage | null;
  finish: Finish;
  /** Why the model stopped early; null when it finished or was stopped. */
  error: RunnelError | null;
}

/** The model's read loop. It waits for the store only when too much has piled up. */
const write = async (job: RunJob, asked: Asked, appends: AppendLoop, signal: AbortSignal): Promise<Written> => {
  const { claim, model, observe = {}, clock = systemClock, maxAnswerBytes = ANSWER_BYTES } = job;
  let usage: Usage | null = null;
  let finish: Finish = 'stop';
  let bytes = Buffer.byteLength(claim.text);
  let seen = false;
  let waitingSince = clock.now();
  let turnedAt = waitingSince;
  if (signal.aborted) return { usage, finish, error: null };
  if (asked.error) return { usage, finish: 'error', error: asked.error };
  try {
    for await (const delta of model.provider.stream({ model: model.model, ...asked, prefix: claim.text }, signal)) {
      if ('usage' in delta) usage = delta.usage;
      else if ('finish' in delta) finish = delta.finish;
      else if (delta.text !== '') {
        const waited = clock.now() - waitingSince;
        if (seen) observe.token?.(waited);
        else observe.firstToken?.(waited);
        seen = true;
        const text = fittingText(delta.text, maxAnswerBytes - bytes);
        bytes += Buffer.byteLength(text);
        const room = text === '' ? undefined : appends.push(text);
        if (room !== undefined) await untilRoom(room, signal);
        // Leaving the loop aborts the request, so the provider reports no usage.
        if (text.length < delta.text.length) {
          observe.cut?.();
          return { usage: null, finish: 'length', error: null };
        }
        waitingSince = clock.now();
      }
      if (waitingSince - turnedAt >= TURN_MS) {
        await nextTurn();
        turnedAt = waitingSince = clock.now();
      }
      if (signal.aborted) break;
    }
    return { usage, finish, error: null };
  } catch (error) {
    if (signal.aborted) return { usage, finish, error: null };
    return {
      usage,
      finish: 'error',
      error: error instanceof RunnelError ? error : new RunnelError('model-failed', undefined, { cause: error }),
    };
  }
};

/** Also ends when the run is stopped: a cancel must not wait for a store that is full or away. */
const untilRoom = (room: Promise<void>, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const finish = (): void => {
      signal.removeEventListener('abort', finish);
      resolve();
    };
    signal.addEventListener('abort', finish, { once: true });
    if (signal.aborted) finish();
    void room.then(finish);
  });
