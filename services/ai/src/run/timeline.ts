import type { EndRun, RunLog, TimelineBatch } from '@runnel/coordination';
import type { Clock } from '../runs/clock.ts';
import type { AppendObserver } from './run-text.ts';
import type { Claim } from './run-job.ts';

/** Each batch is gathered twice as long as the one before it. */
const FIRST_BATCH_MS = 250;
const LONGEST_BATCH_MS = 5_000;
/** A batch of this size is sent at once. */
const FULL = 500;
/** Chunks that may wait for a note under way; beyond them the timeline has a hole. */
const MOST = 2_000;

/**
 * How long chunks are gathered for a run's nth batch, ms. A batch is a round trip to the store, a Kafka record and an insert, so a slow
 * model's words must not have one each: 3 words a second in batches of 250 ms were one for every word. A pod that is killed leaves a hole
 * in a replay's timing that is no longer than the batches before it took together, and 5 s at most. Pure.
 */
export const batchMs = (batch: number): number => Math.min(LONGEST_BATCH_MS, FIRST_BATCH_MS * 2 ** batch);

export interface Timeline {
  /** A piece stands in the log. */
  note(offset: number, bytes: number): void;
  /** The last batch goes at once; nobody waits for it. */
  close(): void;
}

/**
 * When each piece of an answer came, for replay. Best effort by nature: nothing here is awaited by the run, and a batch that cannot be sent
 * is a hole that replay marks. The text itself is in the run's end.
 */
export const createTimeline = (
  conversationId: string,
  claim: Claim,
  runLog: Pick<RunLog, 'noteTimeline'>,
  now: () => number = () => performance.now(),
): Timeline => {
  const { run, epoch, logId, userId } = claim;
  const { startedAt, runId, model } = run;
  // The store's clock says when the run started and when it was claimed; from there on this pod's own counts, whatever its date is.
  const since = now() - Math.max(0, claim.claimedAt - startedAt);
  let at = Buffer.byteLength(claim.text);
  let from = at;
  let chunks: [number, number, number][] = [];
  let batch = 0;
  let sending = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (chunks.length === 0 || sending) return;
    const told: TimelineBatch = { conversationId, userId, logId, runId, model, epoch, startedAt, batch: batch++, at: from, chunks };
    chunks = [];
    from = at;
    sending = true;
    void runLog
      .noteTimeline(told)
      .catch(() => undefined)
      .finally(() => {
        sending = false;
        if (closed || chunks.length >= FULL) flush();
        else if (chunks.length > 0) wait();
      });
  };
  const wait = (): void => {
    timer ??= setTimeout(flush, batchMs(batch)).unref();
  };
  return {
    note(offset, bytes) {
      if (chunks.length >= MOST) {
        chunks = [];
        from = at;
      }
      chunks.push([offset, Math.max(0, Math.round(now() - since)), bytes]);
      at += bytes;
      if (chunks.length < FULL) wait();
      else flush();
    },
    close() {
      closed = true;
      flush();
    },
  };
};

/**
 * When the first word of an answer came, since the run was begun, for its receipt. Who goes on with another owner's text does not know
 * it. The store's clock says how long the run waited, this pod's how long its model took.
 */
export const watchFirstWord = (
  { claimedAt, run, text, base = 0 }: Pick<Claim, 'claimedAt' | 'run' | 'text' | 'base'>,
  observe: AppendObserver,
  clock: Pick<Clock, 'wall'>,
): { observer: AppendObserver; told(): Pick<EndRun, 'firstWordMs'> } => {
  const beganAt = clock.wall();
  const isOurs = Buffer.byteLength(text) <= base;
  let firstAt: number | undefined;
  return {
    observer: {
      ...observe,
      appended(outcome, ms, piece, offset) {
        firstAt ??= piece.t;
        observe.appended?.(outcome, ms, piece, offset);
      },
    },
    told: () =>
      firstAt === undefined || !isOurs
        ? {}
        : { firstWordMs: Math.round(Math.max(0, claimedAt - run.startedAt) + Math.max(0, firstAt - beganAt)) },
  };
};
