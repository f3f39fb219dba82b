import type { AppendChunkResult, RestoreRun, RunLog } from '@runnel/coordination';
import { isWaiting, type Part, type PartField, type PartState } from '@runnel/protocol';
import { systemClock, type Clock } from '../runs/clock.ts';
import { untilAnswered, type RetryOptions } from '../runs/retry.ts';
import { Halves } from './halves.ts';
import { opBytes, sendOp, type OpOutcome } from './part-op.ts';
import { RunParts, type PartOp, type Settled } from './run-parts.ts';
import { RunText, type AppendObserver, type Piece, type Standing } from './run-text.ts';
import { afterAppend, afterFailure, afterRestore, type Verdict } from './verdict.ts';

export interface AppendLoopOptions {
  /** The text and the parts that stand when the run is claimed. */
  text: string;
  parts: readonly Part[];
  /** Names the run in each append, and says all of it but its text to a store that has lost it (L-6). */
  run: Omit<RestoreRun, 'text' | 'newLogId' | 'parts' | 'step'>;
  runLog: Pick<RunLog, 'appendChunk' | 'restoreRun' | 'putPart' | 'appendPartChunk'>;
  newLogId(): string;
  /** Called once, when nothing more may be written. */
  onVerdict(verdict: Verdict): void;
  /** Aborts when the process must end: nothing is tried again then. */
  giveUp: AbortSignal;
  observe?: AppendObserver;
  clock?: Clock;
  random?: () => number;
}

/** Bytes that may wait for the store before the model is read no further. */
export const MAX_WAITING_BYTES = 1024 * 1024;
/** How long an outage may last before a run is given up; until then its text stays in memory (P-10). */
export const OUTAGE_MS = 600_000;
/** How long another run may be in the way of a restore. */
const OTHER_RUN_MS = 60_000;
const OTHER_RUN_RETRY_MS = 250;

/**
 * Carries a run's text to the store (L-4, W-15). One append is in flight at most; what the model says meanwhile is joined into the
 * next. Nothing is ever held back on purpose: an idle store gets each token at once, so the 40 ms of W-15 are the store's alone.
 */
export class AppendLoop {
  readonly #options: AppendLoopOptions;
  readonly #clock: Clock;
  readonly #retry: RetryOptions;
  readonly #text: RunText;
  readonly #parts: RunParts;
  #nextIndex: number;
  readonly #halves = new Halves();
  #inFlight: Piece | undefined;
  #op: PartOp | undefined;
  /** Bytes of the text at the last end of a step. */
  #step: number | undefined;
  #lost = false;
  #restoredAt = Number.NEGATIVE_INFINITY;
  #running = false;
  #verdict: Verdict | null = null;
  #cause: unknown;
  #room: PromiseWithResolvers<void> | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: AppendLoopOptions) {
    const { text, clock = systemClock, random, giveUp, observe } = options;
    this.#options = options;
    this.#clock = clock;
    this.#text = new RunText(text);
    this.#parts = new RunParts(options.parts);
    this.#nextIndex = options.parts.length;
    const onFailure = (error: unknown, attempt: number): void => {
      if (attempt === 0) observe?.troubled?.(error);
    };
    this.#retry = { clock, ...(random && { random }), giveUpMs: OUTAGE_MS, signal: giveUp, onFailure };
  }

  get verdict(): Verdict | null {
    return this.#verdict;
  }
  /** The error behind the verdicts `given-up` and `lost`. */
  get cause(): unknown {
    return this.#cause;
  }
  get whole(): string {
    return this.#text.whole;
  }
  get parts(): RunParts {
    return this.#parts;
  }
  /** The index of a part that is put next: whoever takes one puts it before another is taken. */
  readonly takeIndex = (): number => this.#nextIndex++;
  /** Parts that were begun, whether they stand or not. */
  get begunParts(): number {
    return this.#nextIndex;
  }
  /** Where a part would stand that begins now. */
  get pushedBytes(): number {
    return this.#text.pushedBytes;
  }
  standing(): Standing {
    return this.#text.standing();
  }
  standingAt(bytes: number): Standing | null {
    return this.#text.standingAt(bytes);
  }

  /** Takes a delta. Returns undefined, or a promise to await before reading on when too much text waits. */
  push(delta: string): Promise<void> | undefined {
    if (this.#verdict !== null) return undefined;
    this.#text.push(delta, this.#clock.wall());
    return this.#later();
  }

  /** A part, or another state of one, behind all that was said so far. Resolves when it stands, or never will. */
  put(part: Part, from: PartState | null, step?: number): Promise<Settled> {
    if (this.#verdict !== null) return Promise.resolve('stopped');
    for (const rest of this.#halves.end(part.partId)) this.#text.mark({ ...rest, t: this.#clock.wall() });
    const { promise, resolve } = Promise.withResolvers<Settled>();
    this.#text.mark({ kind: 'put', part, from, ...(step !== undefined && { step }), settle: resolve });
    this.#wake();
    return promise;
  }

  /** Content of a part, as `push` takes text. */
  say(partId: string, field: PartField, text: string): Promise<void> | undefined {
    const whole = this.#verdict === null ? this.#halves.take(partId, field, text) : '';
    if (whole === '') return undefined;
    this.#text.mark({ kind: 'chunk', partId, field, text: whole, t: this.#clock.wall() });
    return this.#later();
  }

  #later(): Promise<void> | undefined {
    this.#wake();
    if (this.#text.waitingBytes < MAX_WAITING_BYTES) return undefined;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** The model says nothing more. */
  finish(): void {
    if (this.#verdict !== null) return;
    this.#text.finish(this.#clock.wall());
    this.#wake();
  }

  /** Resolves when all that was pushed stands, or there is a verdict. */
  flush(): Promise<void> {
    if (!this.#running) return Promise.resolve();
    this.#idle ??= Promise.withResolvers();
    return this.#idle.promise;
  }

  /** For a cancel: drops what waits, and resolves when it is known whether the piece in flight arrived. */
  freeze(): Promise<void> {
    this.#text.drop();
    return this.flush();
  }

  /**
   * A reply to a request sent at `askedAt` says that the store has lost the run: writes it again, unless that was done since. Resolves
   * when it stands, or there is a verdict.
   */
  restore(askedAt = this.#clock.now()): Promise<void> {
    if (this.#restoredAt <= askedAt) this.#lost = true;
    this.#wake();
    return this.flush();
  }

  #wake(): void {
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#verdict === null) {
        if (this.#lost) await this.#writeAgain();
        else if (this.#nextOp()) this.#settle(await untilAnswered(this.#send, this.#retry));
        else {
          this.#inFlight ??= this.#text.take();
          if (this.#inFlight === undefined) break;
          this.#answered(await untilAnswered(this.#append, this.#retry));
        }
        if (this.#text.waitingBytes < MAX_WAITING_BYTES) this.#makeRoom();
      }
    } catch (error) {
      // The lease expires, and the pod that claims the run continues from the stored text.
      this.#cause = error;
      this.#decide(afterFailure(error, this.#options.giveUp.aborted));
    } finally {
      this.#running = false;
      this.#makeRoom();
      this.#idle?.resolve();
      this.#idle = undefined;
    }
  }

  /** One per run and not one per piece, and no `async`: it is called for every piece of every answer. */
  readonly #append = (): Promise<AppendChunkResult['outcome']> => {
    const { runLog, run, observe } = this.#options;
    const { conversationId, runId, epoch } = run;
    const piece = this.#inFlight!;
    const startedAt = this.#clock.now();
    const { text, t } = piece;
    return runLog.appendChunk({ conversationId, runId, epoch, at: this.#text.standingBytes, text, t }).then((result) => {
      const offset = result.outcome === 'appended' ? result.offset : undefined;
      observe?.appended?.(result.outcome, this.#clock.now() - startedAt, piece, offset);
      return result.outcome;
    });
  };

  /** A part's change that is next in line, or in flight. */
  #nextOp(): boolean {
    if (this.#inFlight !== undefined) return false;
    this.#op ??= this.#text.takeOp();
    return this.#op !== undefined;
  }

  readonly #send = (): Promise<OpOutcome> => sendOp(this.#options.runLog, this.#options.run, this.#parts, this.#op!);

  #settle(outcome: OpOutcome): void {
    if (outcome === 'changed') {
      // Only what waits for a person is changed by anybody else: any other part that stands otherwise is one of a store that has gone back.
      const from = this.#op?.kind === 'put' ? this.#op.from : null;
      if (from !== null && isWaiting({ state: from })) this.#endOp('changed');
      else this.#lost = true;
      return;
    }
    const next = afterAppend(outcome === 'put' ? 'appended' : outcome);
    if (next === 'next') this.#opStands();
    else if (next === 'restore') this.#lost = true;
    else this.#decide(next);
  }

  #endOp(how: Settled): void {
    if (this.#op?.kind === 'put') this.#op.settle(how);
    this.#op = undefined;
  }

  #opStands(): void {
    const op = this.#op;
    this.#op = undefined;
    if (op) this.#parts.stands(op);
    if (op) this.#options.observe?.partWritten?.(opBytes(op));
    if (op?.kind !== 'put') return;
    this.#step = op.step ?? this.#step;
    op.settle('stands');
  }

  #answered(outcome: AppendChunkResult['outcome']): void {
    const next = afterAppend(outcome);
    if (next === 'next') this.#stands();
    else if (next === 'restore') this.#lost = true;
    else this.#decide(next);
  }

  #stands(): void {
    if (this.#inFlight !== undefined) this.#text.stands(this.#inFlight);
    this.#inFlight = undefined;
  }

  async #writeAgain(): Promise<void> {
    const { giveUp, observe, run, runLog } = this.#options;
    const newLogId = this.#options.newLogId();
    // Text up to the piece in flight and no further, so that each try sends the same.
    const parts = this.#op ? this.#parts.with(this.#op) : this.#parts.all;
    const step = (this.#op?.kind === 'put' ? this.#op.step : undefined) ?? this.#step;
    const command: RestoreRun = {
      ...run,
      text: this.#text.standingText(this.#inFlight),
      newLogId,
      ...(parts.length > 0 && { parts }),
      ...(step !== undefined && { step }),
    };
    const busyUntil = this.#clock.now() + OTHER_RUN_MS;
    for (;;) {
      const { outcome } = await untilAnswered(() => runLog.restoreRun(command), this.#retry);
      observe?.restored?.(outcome);
      const next = afterRestore(outcome);
      if (next === 'next') {
        this.#stands();
        this.#opStands();
        this.#lost = false;
        this.#restoredAt = this.#clock.now();
        return;
      }
      if (next === 'fenced' || this.#clock.now() >= busyUntil || giveUp.aborted) return this.#decide('fenced');
      await this.#clock.sleep(OTHER_RUN_RETRY_MS, giveUp);
    }
  }

  #decide(what: Verdict): void {
    if (this.#verdict !== null) return;
    this.#verdict = what;
    this.#endOp('stopped');
    this.#text.drop();
    this.#options.onVerdict(what);
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
