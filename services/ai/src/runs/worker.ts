import { randomBytes } from 'node:crypto';
import { runKey, type RunLog, type RunRef, type WorkHint, type FreeRun } from '@runnel/coordination';
import { silentLog, traceIdOf, withDeadline, type Logger, type Tracer } from '@runnel/kit';
import { isTransient, RunnelError } from '@runnel/protocol';
import { systemClock, type Clock } from './clock.ts';
import { OUTAGE_MS } from '../run/append-loop.ts';
import { generate } from '../run/generate.ts';
import { HANDED_ON, type Claim, type RunJob } from '../run/run-job.ts';
import { keepLeases, type Held, type TakeResult } from './keep-leases.ts';
import { goOnWith } from './go-on-with.ts';
import { createModelPlaces, KEEP_PLACES_MS } from './model-places.ts';
import type { AiMetrics } from '../metrics.ts';
import type { EndedRun } from './ended-runs.ts';
import type { Model, ModelRegistry } from '../models/registry.ts';
import { unknownModel } from '../models/unknown.ts';
import { createOutage } from './store-outage.ts';
import { repeat } from './repeat.ts';
import { reroute } from './reroute.ts';
import { runLogLines } from './run-log-lines.ts';
import { ANNOUNCE_MS, hintDelayMs, renewWaitMs, sweepWaitMs, SWEEP_BATCH } from './sweep-timing.ts';
import { startRunSpan } from '../run/run-span.ts';
import { createTimeline } from '../run/timeline.ts';
import { Witness, type Archive } from './end-witness.ts';
import { listenForWork, type WorkHints } from './work-hints.ts';

export interface WorkerDeps extends Pick<RunJob, 'maxAnswerBytes' | 'tools' | 'maxSteps' | 'files' | 'stored' | 'tellCall'> {
  runLog: RunLog;
  models: ModelRegistry;
  nodeId: string;
  maxRuns: number;
  leaseMs: number;
  drainMs: number;
  /** A run ends `model-unknown` once no pod had its model for so long; 0: never. */
  orphanMs?: number;
  /** No other pod shares the run log: what still runs when this one drains ends `interrupted`, with its text. */
  alone?: boolean;
  metrics: AiMetrics;
  tracer: Tracer;
  /** Where ends are known that no pod remembers. */
  archive?: Archive;
  /** An answer has ended, and this is how; `isCallers`: an API's caller asked with a request of its own. */
  onEnd?(end: EndedRun, isCallers: boolean): void;
  log?: Logger;
  clock?: Clock;
  random?: () => number;
}

/** The part of a drain that is reserved for releasing runs that did not finish. */
const HANDOVER_MS = 2000;
/** What an API's caller asked who asked for an answer and no more: such a conversation is called as a page's. */
const NOTHING_OF_ITS_OWN = '{}';
/**
 * The runs of this pod: takes what it is given or finds, keeps the leases, and hands everything back when it drains. Whether it
 * still owns a run only the store knows: a pod that was paused learns it by `fenced` and stops without a word.
 */
export const createWorker = (deps: WorkerDeps) => {
  const { runLog, models, nodeId, maxRuns, leaseMs, drainMs, orphanMs = 60_000, alone = false, metrics, tracer } = deps;
  const leaving = alone ? 'interrupt' : 'release';
  const { log = silentLog, clock = systemClock, random = Math.random, archive, onEnd } = deps;
  const living = (ref: RunRef): Held | undefined => runs.get(runKey(ref));
  const told = { onRepair: metrics.endRepaired, onHandOver: metrics.handedOver };
  const places = createModelPlaces({ runLog, models, clock });
  const witness = new Witness({ runLog, ...(archive && { archive }), living, all: () => runs.values(), ...told, log, clock });
  /** Random per process start: a pod that comes back under its old name is somebody else. */
  const owner = `${nodeId}.${randomBytes(6).toString('hex')}`;
  const runs = new Map<string, Held>();
  const claiming = new Map<string, Promise<unknown>>();
  const hinted = new Set<string>();
  /** Half answers that were seen waiting and found no place: the next places are theirs. */
  let owed = 0;
  let turn = 0;
  let announcedAt = Number.NEGATIVE_INFINITY;
  /** Since when this pod has looked without a break: a pod that has just come, or come back, knows of nobody's absence. */
  let lookingSince: number | undefined;
  let sweeping = false;
  const [seeking, renewing, giveUp] = [new AbortController(), new AbortController(), new AbortController()];
  let hints: WorkHints | undefined;
  let draining: Promise<void> | undefined;
  const retry = { clock, random, giveUpMs: OUTAGE_MS, signal: giveUp.signal };

  const store = createOutage({
    ...{ clock, graceMs: leaseMs / 3 },
    onAway: (error) => log.warn({ event: 'store.away', err: error }),
    onBack: () => log.info({ event: 'store.back' }),
  });

  const freeSlots = (): number => maxRuns - runs.size - claiming.size;
  const take = async (ref: FreeRun, reserved = owed): Promise<TakeResult> => {
    if (draining !== undefined) return { outcome: 'draining' };
    const key = runKey(ref);
    if (runs.has(key) || claiming.has(key)) return { outcome: 'owned' };
    if (freeSlots() <= reserved) return { outcome: 'full' };
    const attempt = claim(ref).finally(() => claiming.delete(key));
    claiming.set(key, attempt);
    return attempt;
  };

  const claim = async ({ conversationId, runId, orphan }: FreeRun): Promise<TakeResult> => {
    const ref = { conversationId, runId };
    /** Whose place the run keeps. */
    let placed: string | undefined;
    try {
      // A model that no pod has is taken on too, to end the run of it.
      const suited = orphan === undefined ? await places.suited(ref) : { ...models.suited, [orphan]: true };
      const askedAt = clock.now();
      const result = await runLog.claimRun({ ...ref, owner, leaseMs, models: suited });
      metrics.claimed(result.outcome, result.outcome === 'claimed' ? result.epoch : undefined);
      if (result.outcome === 'owned') placed = result.model && models.get(result.model)?.info.id;
      if (result.outcome !== 'claimed') return { outcome: result.outcome };
      // An older copy of a run that has ended: whoever knows the end writes it, and the model is not asked again.
      const known = witness.knows(ref) || result.doubt !== undefined ? await witness.lookFor(ref, result) : 'unknown';
      if (known === 'ended') return { outcome: 'gone' };
      const means = { runLog, owner, leaseMs, models: suited, retry, log, ...told };
      const goesOn = known === 'unknown' ? result : await goOnWith(known, ref, result, means);
      if (goesOn === null) return { outcome: 'gone' };
      placed = begin(ref, goesOn, askedAt + leaseMs);
      return { outcome: 'claimed', epoch: goesOn.epoch };
    } finally {
      void places.giveBack(ref, placed);
    }
  };

  /** Returns the model that writes it. */
  const begin = (ref: RunRef, claim: Claim, leaseUntil: number): string => {
    // A cancelled run may be of a model that only other pods have: it is ended here, not generated.
    const model = claim.spoilt ? unknownModel(new RunnelError('internal')) : (models.get(claim.run.model) ?? unknownModel());
    const key = runKey(ref);
    const startedAt = clock.now();
    const facts = { ...ref, epoch: claim.epoch, model: claim.run.model, trace_id: traceIdOf(claim.trace) };
    if (claim.spoilt) log.error({ event: 'run.spoilt', ...facts, why: claim.spoilt });
    log.info({ event: 'run.claimed', ...facts, bytes: Buffer.byteLength(claim.text) });
    // The model's name in the store comes from a caller; only the names of this pod's own models are bounded enough to be labels.
    const label = model.info.id;
    const counted = metrics.observer(label, claim.trace);
    const lines = runLogLines(log, facts, counted);
    const timeline = createTimeline(ref.conversationId, claim, runLog);
    // What another answer left was written once more, for this one.
    let written = claim.epoch === 1 ? (claim.base ?? 0) : 0;
    const span = startRunSpan(tracer, ref, claim, model.info, nodeId, {
      ...counted,
      appended(outcome, ms, piece, offset) {
        counted.appended?.(outcome, ms, piece, offset);
        // Stored before, only its answer was lost: the offset is not known, the bytes count.
        if (outcome !== 'appended' && outcome !== 'duplicate') return;
        written += piece.bytes;
        timeline.note(offset ?? 0, piece.bytes);
      },
      partWritten: (bytes) => void (written += bytes),
      known: (end) => {
        witness.remember(end);
        metrics.endsKept(witness.bytes);
        onEnd?.(end, claim.request !== undefined && claim.request !== NOTHING_OF_ITS_OWN);
      },
      ...lines,
    });
    let next: Claim | null = null;
    const fallBack = async (error: RunnelError): Promise<boolean> => {
      next = await reroute({ runLog, models, retry, take: (id) => places.take(id, ref) }, claim, { ...ref, epoch: claim.epoch }, error);
      if (next) span.observer.rerouted?.(error, next.run.model);
      return next !== null;
    };
    const job = { ref, claim, model, trace: span.trace, owner, leaseMs, runLog, giveUp: giveUp.signal, clock, random };
    const { files = null, maxAnswerBytes, tools, maxSteps, stored, tellCall } = deps;
    const means = { files, maxAnswerBytes, tools, maxSteps, stored, tellCall, leaseUntil: () => runs.get(key)?.leaseUntil ?? leaseUntil };
    const active = generate({ ...job, ...means, fallBack, observe: span.observer });
    runs.set(key, { model, owned: { ...ref, epoch: claim.epoch }, active, leaseUntil });
    metrics.running(runs.size);
    // Claimed while the drain began: hand it on, nothing is written yet.
    if (draining !== undefined) active.stop(leaving);
    void active.done.then((result) => {
      const until = runs.get(key)?.leaseUntil ?? leaseUntil;
      runs.delete(key);
      const model = next && begin(ref, next, until);
      // Whoever takes it over keeps its place.
      if (model !== null || !HANDED_ON.has(result)) void places.giveBack(ref, model ?? undefined);
      if (model === null && owed > 0) void sweep();
      timeline.close();
      // What the model wrote is its person's (MAX_BYTES_PER_USER_DAY). Best effort: a day is bounded by it, not a byte.
      if (written > 0) void runLog.spendBytes(claim.userId, written, 0).catch(() => undefined);
      metrics.running(runs.size);
      const ms = Math.round(clock.now() - startedAt);
      metrics.ended(label, result, ms, claim);
      span.end(result);
      log.info({ event: 'run.left', ...facts, result, ms });
    });
    return label;
  };

  const takeQuietly = async (ref: FreeRun, reserved?: number): Promise<void> => {
    await take(ref, reserved).catch((err: unknown) =>
      log[isTransient(err) ? 'debug' : 'error']({ event: 'claim.failed', runId: ref.runId, err }),
    );
  };

  const sweep = async (): Promise<void> => {
    if (sweeping || draining !== undefined) return;
    sweeping = true;
    try {
      await look();
    } finally {
      sweeping = false;
    }
  };

  /** A full pod looks, too: it must know whether half answers wait for its next places. */
  const look = async (): Promise<void> => {
    const now = clock.now();
    const announce = now - announcedAt >= ANNOUNCE_MS;
    const isOld = lookingSince !== undefined && now - lookingSince >= orphanMs;
    /** Parts of the store that did not answer: they hear of no pod meanwhile. */
    const unheard = new Set<unknown>();
    const seek = {
      models: models.suited,
      full: places.full(),
      turn: turn++,
      orphanMs: isOld ? orphanMs : 0,
      announce,
      onFailure: unheard.add.bind(unheard),
    };
    try {
      const found = await runLog.findFreeRuns(Math.min(Math.max(1, freeSlots()), SWEEP_BATCH), seek);
      store.answered();
      lookingSince = unheard.size > 0 ? undefined : (lookingSince ?? now);
      if (announce && unheard.size === 0) announcedAt = now;
      const others = found.filter((ref) => !witness.knows(ref));
      await Promise.all(found.map((ref) => witness.repair(ref)));
      const places = Math.max(0, freeSlots());
      owed = Math.max(0, others.filter(({ half }) => half).length - places);
      metrics.waiting(owed, Math.max(0, others.length - places) - owed);
      if (!store.justBack()) await Promise.all(others.slice(0, places).map((ref) => takeQuietly(ref, 0)));
    } catch (error) {
      lookingSince = undefined;
      store.failed(error);
    }
  };

  const leases = keepLeases({ runLog, owner, leaseMs, runs, store, clock });

  const onHint = (hint: WorkHint): void => {
    if (witness.hear(hint)) return;
    if (hint.kind === 'cancel') return void leases.check(hint.runId, hint.conversationId).catch(() => undefined);
    const key = runKey(hint);
    if (hint.kind === 'decided') return runs.get(key)?.active.decided();
    if (draining !== undefined || freeSlots() <= 0 || hinted.size >= maxRuns || hinted.has(key)) return;
    hinted.add(key);
    void clock.sleep(hintDelayMs(runs.size / maxRuns, random()), seeking.signal).then(() => {
      hinted.delete(key);
      return takeQuietly({ conversationId: hint.conversationId, runId: hint.runId });
    });
  };

  const drain = async (): Promise<void> => {
    seeking.abort();
    const unsubscribed = hints?.close();
    // A model that cannot continue would start its answer again elsewhere: it may finish here, if it is quick.
    for (const { active, model } of runs.values()) if (model.provider.canContinue) active.stop(leaving);
    await Promise.allSettled(claiming.values());
    const all = (): Promise<unknown> => Promise.all([...runs.values()].map(({ active }) => active.done));
    await withDeadline(all(), drainMs, () => undefined);
    for (const { active } of runs.values()) active.stop(leaving);
    await withDeadline(all(), HANDOVER_MS, () => undefined);
    giveUp.abort();
    renewing.abort();
    await unsubscribed;
    log.info({ event: 'worker.drained', left: runs.size });
  };

  return {
    owner,
    take: (ref: RunRef): Promise<TakeResult> => take(ref),
    check: leases.check,
    uses: (model: Model): boolean => [...runs.values()].some((held) => held.model.provider === model.provider),
    /** How many runs of each model this pod writes. */
    byModel: () => new Map([...Map.groupBy(runs.values(), ({ model }) => model.info.id)].map(([id, held]) => [id, held.length])),
    get size(): number {
      return runs.size;
    },
    /** Starts to listen, sweep and renew, also while the store is away. */
    async start(): Promise<void> {
      void repeat(sweep, () => sweepWaitMs(random()), seeking.signal, clock);
      void repeat(leases.renew, () => renewWaitMs(leaseMs, store.away), renewing.signal, clock);
      // Apart from the leases: a model's slot that does not answer must not cost an answer of another.
      void repeat(
        () => places.renew(runs.values()),
        () => KEEP_PLACES_MS,
        renewing.signal,
        clock,
      );
      runLog.onStoreChange(() => {
        log.warn({ event: 'store.changed' });
        void witness.repairAll();
      });
      hints = listenForWork({ runLog, onHint, onFailure: store.failed, clock, random });
      await hints.tried;
    },
    /** Takes nothing more and hands every run back; those no other pod could continue may finish within `drainMs`. */
    drain: (): Promise<void> => (draining ??= Promise.resolve().then(drain)),
  };
};
export type Worker = ReturnType<typeof createWorker>;
