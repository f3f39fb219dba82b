import type { RunLog } from '@runnel/coordination';
import type { Logger } from '@runnel/kit';
import { isTransient, newId, RunnelError, type Finish, type Usage } from '@runnel/protocol';
import { reasonOf } from '../runs/run-log-lines.ts';
import type { Model, ModelRegistry } from '../models/registry.ts';
import type { Clock } from '../runs/clock.ts';
import type { EndedRun } from '../runs/ended-runs.ts';
import { createModelPlaces } from '../runs/model-places.ts';
import { estimateUsage } from '../run/usage.ts';
import { titleRequest, untitledBy, type Untitled } from './ask-for-title.ts';
import { cleanTitle } from './clean-title.ts';
import { givesTitles } from './title-model.ts';
import type { TitleMetrics, TitleOutcome } from './title-metrics.ts';

/** Titles that this pod asks for at the same time, and that wait for their turn: so many answers end at once only in a storm. */
const AT_ONCE = 2;
const MOST_WAITING = 20;
const MOST_WAIT_MS = 10_000;
/** A place in a model's limit is kept for longer (`createModelPlaces`), so it is not renewed. */
const DEADLINE_MS = 10_000;
const MINUTE_MS = 60_000;
export const TITLES_PER_MINUTE = 60;
/** What a model may say, and what of it is read: more than a title of 80 signs in any script. */
const MOST_TOKENS = 128;
const MOST_BYTES = 1_000;
/** After failures in a row nothing is asked for: half a minute, twice as long each time, a quarter of an hour at the most. */
const REST = { baseMs: 30_000, maxMs: 900_000 };

export interface TitlesMeans {
  runLog: Pick<RunLog, 'proposeTitle' | 'keepPlaces'>;
  models: ModelRegistry;
  /** The id of the model that is asked. */
  model: string;
  perMinute: number;
  metrics: TitleMetrics;
  log: Logger;
  clock: Clock;
  random?: () => number;
}

interface Titles {
  /** An answer has ended. `isCallers`: it was asked for by an API's caller with a request of its own. Never waits, never throws. */
  consider(end: EndedRun, isCallers: boolean): void;
  /** Nothing is asked for any more, and what is under way is given up. */
  close(): void;
}

interface Said {
  text: string;
  finish?: Finish;
  usage?: Usage;
}

/**
 * Titles by a model, beside the answers: bounded in how many, how long and how often, tried once, and lost with the pod. What a title costs is
 * counted, and no person is charged for it.
 */
export const createTitles = (means: TitlesMeans): Titles => {
  const { runLog, models, model: id, perMinute, metrics, log, clock, random = Math.random } = means;
  const places = createModelPlaces({ runLog, models, clock });
  const closing = new AbortController();
  const waiting: { untitled: Untitled; since: number }[] = [];
  let asking = 0;
  let minute = { since: Number.NEGATIVE_INFINITY, count: 0 };
  let rest = { until: Number.NEGATIVE_INFINITY, failures: 0 };
  let isMissed = false;

  const isResting = (): boolean => clock.now() < rest.until;
  /** Whether one more may be asked for in this minute. */
  const isWithin = (): boolean => {
    const now = clock.now();
    if (now - minute.since >= MINUTE_MS) minute = { since: now, count: 0 };
    return minute.count < perMinute;
  };

  const failed = (error: RunnelError): void => {
    const failures = rest.failures + 1;
    const restMs = Math.round(
      Math.max(error.retryAfterMs ?? 0, Math.min(REST.maxMs, REST.baseMs * 2 ** rest.failures)) * (1 + random() / 2),
    );
    rest = { until: clock.now() + restMs, failures };
    log.warn({ event: 'title.failed', model: id, ...reasonOf(error), restMs });
  };

  /** The model's words; null: it took too long, or this pod is closing. */
  const ask = async (model: Model, untitled: Untitled): Promise<Said | null> => {
    const [late, over] = [new AbortController(), new AbortController()];
    const signal = AbortSignal.any([closing.signal, late.signal]);
    void clock.sleep(DEADLINE_MS, over.signal).then(() => late.abort('late'));
    const messages = titleRequest(untitled);
    const said: Said = { text: '' };
    let bytes = 0;
    try {
      const request = { model: model.model, messages, prefix: '', params: { max_tokens: MOST_TOKENS }, once: true };
      for await (const delta of model.provider.stream(request, signal)) {
        if ('text' in delta) {
          said.text += delta.text;
          bytes += Buffer.byteLength(delta.text);
          if (bytes > MOST_BYTES) break;
        } else if ('usage' in delta) said.usage = delta.usage;
        else if ('finish' in delta) said.finish = delta.finish;
      }
      return signal.aborted ? null : said;
    } finally {
      over.abort();
      metrics.cost(said.usage ?? estimateUsage(messages, bytes));
    }
  };

  const propose = async (untitled: Untitled, title: string): Promise<TitleOutcome> => {
    const { question: _, answer: __, ...of } = untitled;
    try {
      return (await runLog.proposeTitle({ ...of, title, model: id })).outcome;
    } catch (error) {
      if (!isTransient(error)) throw error;
      return 'unstored';
    }
  };

  const makeTitle = async (model: Model, untitled: Untitled): Promise<TitleOutcome> => {
    let said: Said | null;
    try {
      said = await ask(model, untitled);
    } catch (error) {
      failed(error instanceof RunnelError ? error : new RunnelError('model-failed', undefined, { cause: error }));
      return 'failed';
    }
    if (said === null) {
      if (!closing.signal.aborted) failed(new RunnelError('unavailable', 'The model took too long.'));
      return 'late';
    }
    rest = { ...rest, failures: 0 };
    const title = said.finish === 'filter' ? null : cleanTitle(said.text);
    return title === null ? 'unusable' : propose(untitled, title);
  };

  /** With a place in the model, where it has a limit over all pods: a title takes none from an answer that waits for longer than it takes. */
  const inPlace = async (untitled: Untitled): Promise<TitleOutcome> => {
    const model = models.get(id);
    if (model === undefined || model.suspended || !givesTitles(model.info)) {
      if (!isMissed) log.warn({ event: 'title.no-model', model: id });
      isMissed = true;
      return 'no-model';
    }
    isMissed = false;
    const ref = { conversationId: untitled.conversationId, runId: newId() };
    if (!(await places.take(model.info.id, ref))) return 'full';
    try {
      return await makeTitle(model, untitled);
    } finally {
      void places.giveBack(ref);
    }
  };

  const next = (): void => {
    while (asking < AT_ONCE && waiting.length > 0) {
      const { untitled, since } = waiting.shift()!;
      if (isResting() || clock.now() - since > MOST_WAIT_MS) metrics.ended(isResting() ? 'resting' : 'limited');
      else {
        asking++;
        void inPlace(untitled)
          .catch((err: unknown): TitleOutcome => {
            log.error({ event: 'title.lost', model: id, err });
            return 'failed';
          })
          .then((outcome) => {
            asking--;
            metrics.ended(outcome);
            next();
          });
      }
    }
  };

  return {
    consider(end, isCallers) {
      const untitled = closing.signal.aborted ? null : untitledBy(end, isCallers);
      if (untitled === null) return;
      if (isResting()) return metrics.ended('resting');
      if (!isWithin() || waiting.length >= MOST_WAITING) return metrics.ended('limited');
      minute.count++;
      waiting.push({ untitled, since: clock.now() });
      next();
    },
    close() {
      waiting.length = 0;
      closing.abort('closing');
    },
  };
};
