import type { AskEnd, RunLog, RunRef, SayDeleted, SayRunning, WorkHint } from '@runnel/coordination';
import type { Logger } from '@runnel/kit';
import { newId } from '@runnel/protocol';
import type { Clock } from './clock.ts';
import { EndedRuns, type EndedRun } from './ended-runs.ts';
import type { LostWait } from './lost-waits.ts';
import type { Claim } from '../run/run-job.ts';
import { answerOfOwner, digestOf, type HandOver, type LivingRun, type WithheldRun } from './living-owner.ts';

/** How long other pods have to say that they know an end. A hint and its answer take some milliseconds. */
const ASK_MS = 100;
/** Ends that are written again at the same time, after a store has come back older. */
const REPAIRS = 16;

/**
 * What became of an end that was looked for in the store: written again by a pod that saw it, or (`stored`) as the database has it; or not.
 * `waits`: there was none, and the run waits again for what the database says.
 */
export type Repair = 'restored' | 'stored' | 'waits' | 'stands' | 'busy' | 'closed' | 'failed';

/** What another store than Redis, the database, knows of a run: its end, or what it waits for. */
export type Archived = EndedRun | LostWait;
/** Null: it knows neither. */
export type Archive = (run: RunRef, claim: Claim) => Promise<Archived | null>;

export interface WitnessOptions {
  runLog: Pick<RunLog, 'restoreEnd' | 'publishWork'>;
  archive?: Archive;
  /** The run, while it is this pod's. */
  living?(run: RunRef): LivingRun | undefined;
  /** All runs of this pod. */
  all?(): Iterable<WithheldRun>;
  /** After each end that was written again, or found standing. */
  onRepair?(outcome: Repair): void;
  /** When this pod, as the owner, has answered for a run that another claimed. */
  onHandOver?(outcome: HandOver): void;
  log: Logger;
  clock: Clock;
  limitBytes?: number;
}

/** What pods know of a claimed run: nothing, that it had ended, or how it goes on; the database may have what it waits for. */
type Heard = 'unknown' | 'ended' | SayRunning;
type Answer = Heard | LostWait;

const keyOf = ({ conversationId, runId }: RunRef): string => `${conversationId} ${runId}`;

/**
 * What this pod knows of runs that have ended, for a store that has gone back behind an end (a failover that lost its tail, a backup):
 * such a store says `running`, and the model would be asked again for an answer that people have seen whole.
 *
 * A pod that finds its own ended run waiting writes the end again; a pod that has claimed a run whose owner fell silent first asks the
 * others, and the database where the store has changed. All of it takes no step of an ordinary run.
 */
export class Witness {
  readonly #options: WitnessOptions;
  readonly #ended: EndedRuns;
  readonly #asking = new Map<string, (answer: Heard) => void>();
  readonly #repairing = new Map<string, Promise<boolean>>();

  constructor(options: WitnessOptions) {
    this.#options = options;
    this.#ended = new EndedRuns(options.limitBytes);
  }

  get bytes(): number {
    return this.#ended.bytes;
  }

  remember(end: EndedRun): void {
    this.#ended.add(end, this.#options.clock.now());
  }

  knows(run: RunRef): boolean {
    return this.#ended.find(run, this.#options.clock.now()) !== undefined;
  }

  /** Writes the end of a run again, if this pod knows it. False when it does not. */
  async repair(run: RunRef): Promise<boolean> {
    const end = this.#ended.find(run, this.#options.clock.now());
    if (end === undefined) return false;
    const key = keyOf(run);
    const under = this.#repairing.get(key) ?? this.#write(end).finally(() => this.#repairing.delete(key));
    this.#repairing.set(key, under);
    await under;
    return true;
  }

  /** The store has changed: every end this pod knows is looked for there, in the order they came. */
  async repairAll(): Promise<void> {
    const ends = this.#ended.all(this.#options.clock.now());
    const perConversation = [...Map.groupBy(ends, ({ conversationId }) => conversationId).values()];
    const work = async (): Promise<void> => {
      for (let own = perConversation.shift(); own !== undefined; own = perConversation.shift()) {
        for (const end of own) await this.repair(end);
      }
    };
    await Promise.all(Array.from({ length: REPAIRS }, work));
  }

  /**
   * What is known somewhere of a claimed run. `ended`: its end stands, or is being written again, and the run is nobody's. Else the text of
   * an owner that lived behind a store which changed, and has let go of it; or what the database has of a run that waits.
   */
  async lookFor(run: RunRef, claim: Claim): Promise<Answer> {
    if (await this.repair(run)) return 'ended';
    const answer = await this.#askPods(run, claim);
    if (answer !== 'unknown') return answer;
    // An owner that only fell silent left no end behind: its takeover waits for no database (P-4).
    const found = claim.doubt === 'lost' ? await this.#options.archive?.(run, claim).catch(() => null) : null;
    if (found && 'kind' in found) return found;
    return found && (await this.#write(found, 'database')) ? 'ended' : 'unknown';
  }

  /** True when the hint was for the witness. */
  hear(hint: WorkHint): hint is AskEnd | SayRunning | SayDeleted {
    if (hint.kind === 'deleted') this.#withhold(hint);
    else if (hint.kind === 'ended') this.#asking.get(keyOf(hint))?.('ended');
    else if (hint.kind === 'running') this.#asking.get(keyOf(hint))?.(hint);
    else if (hint.kind === 'ended?') void this.#answer(hint);
    else return false;
    return true;
  }

  #withhold({ conversationId, messageId }: SayDeleted): void {
    for (const { owned, active } of this.#options.all?.() ?? []) if (owned.conversationId === conversationId) active.withhold(messageId);
    this.#ended.withhold({ conversationId, ...(messageId !== undefined && { messageId }) });
  }

  async #answer(asked: AskEnd): Promise<void> {
    const { conversationId, runId } = asked;
    const run = { conversationId, runId };
    if (!this.knows(run)) return this.#answerAsOwner(asked);
    await this.#options.runLog.publishWork({ kind: 'ended', ...run }).catch(() => undefined);
    await this.repair(run);
  }

  async #answerAsOwner(asked: AskEnd): Promise<void> {
    const { conversationId, runId } = asked;
    const living = this.#options.living?.(asked);
    const answer = living && answerOfOwner(asked, living.owned.epoch, living.active.text(), living.active.parts());
    if (!living || !answer) return;
    // Its claim is not needed: the run is written again by who has it.
    const hint: WorkHint = answer === 'restore' ? { kind: 'ended', conversationId, runId } : answer.yield;
    if (answer === 'restore') living.active.restore(this.#options.clock.now());
    else living.active.stop('fenced');
    this.#options.onHandOver?.(answer === 'restore' ? 'restored' : 'handed');
    await this.#options.runLog.publishWork(hint).catch(() => undefined);
  }

  async #askPods(run: RunRef, { epoch, text, doubt }: Claim): Promise<Heard> {
    const key = keyOf(run);
    const { promise, resolve } = Promise.withResolvers<Heard>();
    const copy = { bytes: Buffer.byteLength(text), sha256: digestOf(text) };
    const fits = (answer: Heard): boolean => typeof answer === 'string' || (answer.epoch === epoch && answer.at === copy.bytes);
    this.#asking.set(key, (answer) => fits(answer) && resolve(answer));
    const patience = new AbortController();
    try {
      const asked = this.#options.runLog
        .publishWork({ kind: 'ended?', ...run, ...(doubt === 'lost' && { epoch, copy }) })
        .catch(() => undefined);
      const silence = asked.then(() => this.#options.clock.sleep(ASK_MS, patience.signal)).then((): Heard => 'unknown');
      return await Promise.race([promise, silence]);
    } finally {
      patience.abort();
      this.#asking.delete(key);
    }
  }

  /** True when the end stands in the store now. */
  async #write(end: EndedRun, from: 'pod' | 'database' = 'pod'): Promise<boolean> {
    const { runLog, log, onRepair } = this.#options;
    const { conversationId, runId } = end;
    try {
      const { outcome } = await runLog.restoreEnd({ ...end, newLogId: newId() });
      onRepair?.(outcome === 'restored' && from === 'database' ? 'stored' : outcome);
      if (outcome === 'restored') log.warn({ event: 'end.restored', conversationId, runId, from });
      // Deleted, or somebody else's by now.
      if (outcome === 'closed') this.#ended.forget(end);
      return outcome === 'restored' || outcome === 'stands';
    } catch (err) {
      onRepair?.('failed');
      log.debug({ event: 'end.not-restored', conversationId, runId, err });
      return false;
    }
  }
}
