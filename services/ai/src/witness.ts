import type { RunLog, RunRef, WorkHint } from '@runnel/coordination';
import type { Logger } from '@runnel/kit';
import { newId } from '@runnel/protocol';
import type { Clock } from './clock.ts';
import { EndedRuns, type EndedRun } from './ended-runs.ts';
import type { Claim } from './generate.ts';

/** How long other pods have to say that they know an end. A hint and its answer take some milliseconds. */
const ASK_MS = 100;
/** Ends that are written again at the same time, after a store has come back older. */
const REPAIRS = 16;

/** What another store than Redis knows of a run's end: the database. Null: nothing. */
export type Archive = (run: RunRef, claim: Claim) => Promise<EndedRun | null>;

export interface WitnessOptions {
  runLog: Pick<RunLog, 'restoreEnd' | 'publishWork'>;
  archive?: Archive;
  /** After each end that was written again, or found standing. */
  onRepair?(outcome: 'restored' | 'stands' | 'busy' | 'closed' | 'failed'): void;
  log: Logger;
  clock: Clock;
  limitBytes?: number;
}

const keyOf = ({ conversationId, runId }: RunRef): string => `${conversationId} ${runId}`;

/**
 * What this pod knows of runs that have ended, for a store that has gone back behind an end (a failover that lost its tail, a backup):
 * such a store says `running`, and the model would be asked again for an answer that people have seen whole.
 *
 * A pod that finds its own ended run waiting writes the end again; a pod that has claimed a run whose owner fell silent first asks the
 * others. Both take no step of an ordinary run.
 */
export class Witness {
  readonly #options: WitnessOptions;
  readonly #ended: EndedRuns;
  readonly #asking = new Map<string, () => void>();
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

  /** Whether the end of a claimed run is known somewhere; it then stands, or is being written again, and the run is nobody's. */
  async isEnded(run: RunRef, claim: Claim): Promise<boolean> {
    if (await this.repair(run)) return true;
    if (await this.#askPods(run)) return true;
    const end = await this.#options.archive?.(run, claim).catch(() => null);
    return end !== null && end !== undefined && (await this.#write(end));
  }

  /** True when the hint was for the witness. */
  hear(hint: WorkHint): boolean {
    if (hint.kind === 'ended') this.#asking.get(keyOf(hint))?.();
    else if (hint.kind === 'ended?') void this.#answer(hint);
    else return false;
    return true;
  }

  async #answer({ conversationId, runId }: RunRef): Promise<void> {
    const run = { conversationId, runId };
    if (!this.knows(run)) return;
    await this.#options.runLog.publishWork({ kind: 'ended', ...run }).catch(() => undefined);
    await this.repair(run);
  }

  async #askPods(run: RunRef): Promise<boolean> {
    const key = keyOf(run);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#asking.set(key, () => resolve(true));
    const patience = new AbortController();
    try {
      const asked = this.#options.runLog.publishWork({ kind: 'ended?', ...run }).catch(() => undefined);
      const silence = asked.then(() => this.#options.clock.sleep(ASK_MS, patience.signal)).then(() => false);
      return await Promise.race([promise, silence]);
    } finally {
      patience.abort();
      this.#asking.delete(key);
    }
  }

  /** True when the end stands in the store now. */
  async #write(end: EndedRun): Promise<boolean> {
    const { runLog, log, onRepair } = this.#options;
    const { conversationId, runId } = end;
    try {
      const { outcome } = await runLog.restoreEnd({ ...end, newLogId: newId() });
      onRepair?.(outcome);
      if (outcome === 'restored') log.warn({ event: 'end.restored', conversationId, runId });
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
