import type { AppendChunk, AppendChunkResult, RestoreRunResult } from '@runnel/coordination';
import { systemClock, type Clock } from './clock.ts';
import { untilAnswered } from './retry.ts';
import { createRunText, type Piece, type Standing } from './run-text.ts';
import { afterAppend, afterRestore, type Verdict } from './verdict.ts';

export interface BatcherOptions {
  /** The text that stands when the run is claimed. */
  text: string;
  append(piece: Pick<AppendChunk, 'at' | 'text' | 't'>): Promise<AppendChunkResult>;
  /** Writes the run again under a new log (L-6). The same `text` and `newLogId` may be sent twice. */
  restore(text: string, newLogId: string): Promise<RestoreRunResult>;
  newLogId(): string;
  /** Called once, when nothing more may be written. */
  onVerdict(verdict: Verdict): void;
  /** Aborts when the process must end: nothing is tried again then. */
  giveUp: AbortSignal;
  observe?: BatcherObserver;
  clock?: Clock;
  random?: () => number;
}
export interface BatcherObserver {
  /** `offset`: of the event, when it is a new one. */
  appended?(outcome: AppendChunkResult['outcome'], ms: number, piece: Piece, offset?: number): void;
  restored?(outcome: RestoreRunResult['outcome']): void;
  /** The store did not answer, for the first time in a row. */
  troubled?(error: unknown): void;
}

/** Bytes that may wait for the store before the model is read no further. */
export const MAX_WAITING_BYTES = 1024 * 1024;
/** How long an outage may last before a run is given up; until then its text stays in memory (P-10). */
export const OUTAGE_MS = 600_000;
/** How long another run may be in the way of a restore. */
const BUSY_MS = 60_000;
const BUSY_RETRY_MS = 250;

/**
 * Carries a run's text to the store (L-4, W-15). One append is in flight at most; what the model says meanwhile is joined into the
 * next. Nothing is ever held back on purpose: an idle store gets each token at once, so the 40 ms of W-15 are the store's alone.
 */
export const createBatcher = (options: BatcherOptions) => {
  const { append, restore, giveUp, observe, clock = systemClock, random } = options;
  const text = createRunText(options.text);
  const retry = { clock, ...(random && { random }), giveUpMs: OUTAGE_MS, signal: giveUp, onFailure };
  let inFlight: Piece | undefined;
  let lost = false;
  let restoredAt = Number.NEGATIVE_INFINITY;
  let running = false;
  let verdict: Verdict | null = null;
  let room: PromiseWithResolvers<void> | undefined;
  let idle: PromiseWithResolvers<void> | undefined;

  function onFailure(error: unknown, attempt: number): void {
    if (attempt === 0) observe?.troubled?.(error);
  }

  function decide(what: Verdict): void {
    if (verdict !== null) return;
    verdict = what;
    text.drop();
    options.onVerdict(what);
  }

  const sendOne = async (piece: Piece): Promise<void> => {
    const at = text.standingBytes;
    const { outcome } = await untilAnswered(async () => {
      const startedAt = clock.now();
      const result = await append({ at, text: piece.text, t: piece.t });
      observe?.appended?.(result.outcome, clock.now() - startedAt, piece, result.outcome === 'appended' ? result.offset : undefined);
      return result;
    }, retry);
    const next = afterAppend(outcome);
    if (next === 'next') {
      text.stands(piece);
      inFlight = undefined;
    } else if (next === 'restore') lost = true;
    else decide(next);
  };

  const writeAgain = async (): Promise<void> => {
    const newLogId = options.newLogId();
    // Text up to the piece in flight and no further, so that each try sends the same.
    const known = text.standingText(inFlight);
    const busyUntil = clock.now() + BUSY_MS;
    for (;;) {
      const { outcome } = await untilAnswered(() => restore(known, newLogId), retry);
      observe?.restored?.(outcome);
      const next = afterRestore(outcome);
      if (next === 'next') {
        if (inFlight !== undefined) text.stands(inFlight);
        inFlight = undefined;
        lost = false;
        restoredAt = clock.now();
        return;
      }
      if (next === 'fenced' || clock.now() >= busyUntil || giveUp.aborted) return decide('fenced');
      await clock.sleep(BUSY_RETRY_MS, giveUp);
    }
  };

  const run = async (): Promise<void> => {
    running = true;
    try {
      while (verdict === null) {
        if (lost) await writeAgain();
        else {
          inFlight ??= text.take();
          if (inFlight === undefined) break;
          await sendOne(inFlight);
        }
        if (text.waitingBytes < MAX_WAITING_BYTES) makeRoom();
      }
    } catch {
      // The store stayed away for too long, or the process ends: whoever finds the run goes on from what stands.
      decide('fenced');
    } finally {
      running = false;
      makeRoom();
      idle?.resolve();
      idle = undefined;
    }
  };

  const makeRoom = (): void => {
    room?.resolve();
    room = undefined;
  };
  const wake = (): void => {
    if (!running) void run();
  };
  const settled = (): Promise<void> => {
    if (!running) return Promise.resolve();
    idle ??= Promise.withResolvers();
    return idle.promise;
  };

  return {
    /** Takes a delta. Undefined when more may come; else a promise to wait for before the model is read on. */
    push(delta: string): Promise<void> | undefined {
      if (verdict !== null) return undefined;
      text.push(delta, clock.wall());
      wake();
      if (text.waitingBytes < MAX_WAITING_BYTES) return undefined;
      room ??= Promise.withResolvers();
      return room.promise;
    },

    /** Resolves when all that was pushed stands, or there is a verdict. */
    flush: settled,

    /** For a cancel: drops what waits, and resolves when it is known whether the piece in flight arrived. */
    freeze(): Promise<void> {
      text.drop();
      return settled();
    },

    /**
     * The store has lost the run, says an answer to a question of `askedAt`: writes it again, unless that was done since. Resolves
     * when it stands, or there is a verdict.
     */
    restore(askedAt = clock.now()): Promise<void> {
      if (restoredAt <= askedAt) lost = true;
      wake();
      return settled();
    },

    get verdict(): Verdict | null {
      return verdict;
    },
    get whole(): string {
      return text.whole;
    },
    standing: (): Standing => text.standing(),
    standingAt: (bytes: number): Standing | null => text.standingAt(bytes),
  };
};
export type Batcher = ReturnType<typeof createBatcher>;
