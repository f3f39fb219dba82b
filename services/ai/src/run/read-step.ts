import { setImmediate as nextTurn } from 'node:timers/promises';
import { RunnelError, type Finish, type Usage } from '@runnel/protocol';
import type { ModelRequest, SignedThought } from '../models/provider.ts';
import { systemClock } from '../runs/clock.ts';
import { ANSWER_BYTES, fittingText } from './answer-bytes.ts';
import type { AppendLoop } from './append-loop.ts';
import type { Called, PartMaker } from './part-maker.ts';
import type { RunJob } from './run-job.ts';

/** A model with much buffered text yields it without a turn of the event loop: after this long, other runs get a turn. */
const TURN_MS = 10;

export interface Step {
  usage: Usage | null;
  finish: Finish;
  /** Why the model stopped early; null when it finished or was stopped. */
  error: RunnelError | null;
  calls: Called[];
  /** Its thoughts, as their provider wants them back. */
  signed: SignedThought[];
}

/** The model's read loop, for one request. It waits for the store only when too much has piled up. */
export const readStep = async (
  job: RunJob,
  request: ModelRequest,
  appends: AppendLoop,
  parts: PartMaker,
  signal: AbortSignal,
): Promise<Step> => {
  const { model, observe = {}, clock = systemClock, maxAnswerBytes = ANSWER_BYTES } = job;
  let usage: Usage | null = null;
  let finish: Finish = 'stop';
  let bytes = appends.pushedBytes;
  let seen = false;
  let waitingSince = clock.now();
  let turnedAt = waitingSince;
  const signed: SignedThought[] = [];
  const over = (error: RunnelError | null = null): Step => ({ usage, finish, error, calls: parts.end(), signed });
  if (signal.aborted) return over();
  try {
    for await (const delta of model.provider.stream(traced(request, job), signal)) {
      if ('text' in delta) {
        if (delta.text !== '') {
          const waited = clock.now() - waitingSince;
          if (seen) observe.token?.(waited);
          else observe.firstToken?.(waited);
          seen = true;
          parts.endThought();
          const text = fittingText(delta.text, maxAnswerBytes - bytes);
          bytes += Buffer.byteLength(text);
          const room = text === '' ? undefined : appends.push(text);
          if (room !== undefined) await untilRoom(room, signal);
          // Leaving the loop aborts the request, so the provider reports no usage.
          if (text.length < delta.text.length) {
            observe.cut?.();
            return { usage: null, finish: 'length', error: null, calls: parts.end(), signed };
          }
          waitingSince = clock.now();
        }
      } else if ('usage' in delta) usage = delta.usage;
      else if ('finish' in delta) finish = delta.finish;
      else if ('signed' in delta) signed.push(delta.signed);
      else {
        const room =
          'reasoning' in delta ? parts.think(delta.reasoning) : 'call' in delta ? parts.call(delta.call) : parts.source(delta.source);
        if (room !== undefined) await untilRoom(room, signal);
        waitingSince = clock.now();
      }
      if (waitingSince - turnedAt >= TURN_MS) {
        await nextTurn();
        turnedAt = waitingSince = clock.now();
      }
      if (signal.aborted) break;
    }
    return over();
  } catch (error) {
    if (signal.aborted) return over();
    finish = 'error';
    return over(error instanceof RunnelError ? error : new RunnelError('model-failed', undefined, { cause: error }));
  }
};

const traced = (request: ModelRequest, { trace }: Pick<RunJob, 'trace'>): ModelRequest =>
  trace === undefined ? request : { ...request, trace };

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
