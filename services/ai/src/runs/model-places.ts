import { DEFAULT_MODEL, runKey, type RunLog, type RunRef } from '@runnel/coordination';
import type { Model, ModelRegistry } from '../models/registry.ts';
import type { Clock } from './clock.ts';

/** A pod that died, or was cut off, holds its places for so long. */
const PLACE_LEASE_MS = 15_000;
/** A model that had no place is not tried again sooner. */
const FULL_MS = 1_000;

export interface ModelPlacesMeans {
  runLog: Pick<RunLog, 'keepPlaces'>;
  models: ModelRegistry;
  clock: Clock;
}

/**
 * `maxConcurrentRuns`: how many answers of a model are written at a time, over all pods. Which model a run has is known when it is claimed,
 * so a place is taken for it beforehand in each model that has a limit; a model that gave none is left out of the claim. Without limits the
 * store is not asked.
 */
export const createModelPlaces = ({ runLog, models, clock }: ModelPlacesMeans) => {
  const fullAt = new Map<string, number>();
  const limitOf = (id: string): number | undefined => models.get(id)?.maxConcurrentRuns;
  const limited = (): string[] => models.list().flatMap(({ id }) => (limitOf(id) === undefined ? [] : [id]));
  /** Names under which a run of the model is stored. */
  const namesOf = (id: string): string[] => (models.get(DEFAULT_MODEL)?.info.id === id ? [id, DEFAULT_MODEL] : [id]);

  const keep = async (id: string, take: readonly RunRef[], drop: readonly RunRef[] = []): Promise<ReadonlySet<string>> => {
    const limit = limitOf(id);
    if (limit === undefined) return new Set(take.map(runKey));
    return runLog.keepPlaces({ model: id, limit, leaseMs: PLACE_LEASE_MS, take, drop });
  };
  const take = async (id: string, ref: RunRef): Promise<boolean> => {
    const isTaken = (await keep(id, [ref])).has(runKey(ref));
    if (isTaken) fullAt.delete(id);
    else fullAt.set(id, clock.now());
    return isTaken;
  };

  return {
    /** A place in one model; true where it has no limit. */
    take,
    /** For `claimRun`: the models in which the run may be written now, with a place taken in each that has a limit. */
    async suited(ref: RunRef): Promise<Readonly<Record<string, boolean>>> {
      const suited = { ...models.suited };
      for (const id of limited()) if (!(await take(id, ref))) for (const name of namesOf(id)) delete suited[name];
      return suited;
    },
    /** Gives back the places of a run in all models but one. Best effort: what is not given back expires. */
    async giveBack(ref: RunRef, except?: string): Promise<void> {
      await Promise.allSettled(limited().flatMap((id) => (id === except ? [] : [keep(id, [], [ref])])));
    },
    /** What this pod writes keeps its places. */
    async renew(held: Iterable<{ owned: RunRef; model: Model }>): Promise<void> {
      const byModel = Map.groupBy(held, ({ model }) => model.info.id);
      for (const id of limited()) {
        const runs = byModel.get(id)?.map(({ owned }) => ({ conversationId: owned.conversationId, runId: owned.runId }));
        if (runs) await keep(id, runs).catch(() => undefined);
      }
    },
    /** Names of models that had no place a moment ago. */
    full: (): string[] => [...fullAt].flatMap(([id, at]) => (clock.now() - at < FULL_MS ? namesOf(id) : [])),
  };
};
