import { DEFAULT_MODEL, runKey, type RunLog, type RunRef } from '@runnel/coordination';
import { isTransient } from '@runnel/protocol';
import type { Model, ModelRegistry } from '../models/registry.ts';
import type { Clock } from './clock.ts';

/** A pod that died, or was cut off, holds its places for so long. */
const PLACE_LEASE_MS = 15_000;
/** How often they are kept: a look or two may be lost. */
export const KEEP_PLACES_MS = PLACE_LEASE_MS / 4;
/** A model that had no place is not tried again sooner. */
const FULL_MS = 1_000;

export interface ModelPlacesMeans {
  runLog: Pick<RunLog, 'keepPlaces'>;
  models: ModelRegistry;
  clock: Clock;
}

/**
 * `maxConcurrentRuns`: how many answers of a model are written at a time, over all pods. Which model a run has is known when it is claimed,
 * so a place is taken for it beforehand in each model that has a limit; a model that gave none is left out of the claim. Each model has a
 * slot of its own in the store: one that does not answer keeps no other from being claimed. Without limits the store is not asked.
 */
export const createModelPlaces = ({ runLog, models, clock }: ModelPlacesMeans) => {
  const fullAt = new Map<string, number>();
  const limitOf = (id: string): number | undefined => models.get(id)?.maxConcurrentRuns;
  /** Suspended ones, too: what was asked of them is still written. */
  const limited = (): string[] => [
    ...new Set(
      Object.keys(models.suited).flatMap((name) => {
        const model = models.get(name);
        return model?.maxConcurrentRuns === undefined ? [] : [model.info.id];
      }),
    ),
  ];
  /** Names under which a run of the model is stored. */
  const namesOf = (id: string): string[] => (models.get(DEFAULT_MODEL)?.info.id === id ? [id, DEFAULT_MODEL] : [id]);

  const keep = async (id: string, take: readonly RunRef[], drop: readonly RunRef[] = []): Promise<ReadonlySet<string>> => {
    const limit = limitOf(id);
    if (limit === undefined) return new Set(take.map(runKey));
    return runLog.keepPlaces({ model: id, limit, leaseMs: PLACE_LEASE_MS, take, drop });
  };
  const take = async (id: string, ref: RunRef): Promise<boolean> => {
    const isTaken = await keep(id, [ref]).then(
      (kept) => kept.has(runKey(ref)),
      (error: unknown) => {
        if (!isTransient(error)) throw error;
        return false;
      },
    );
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
      const leaveOutFull = async (id: string): Promise<void> => {
        if (!(await take(id, ref))) for (const name of namesOf(id)) delete suited[name];
      };
      await Promise.all(limited().map(leaveOutFull));
      return suited;
    },
    /** Gives back the places of a run in all models but one. Best effort: what is not given back expires. */
    async giveBack(ref: RunRef, except?: string): Promise<void> {
      await Promise.allSettled(limited().flatMap((id) => (id === except ? [] : [keep(id, [], [ref])])));
    },
    /** What this pod writes keeps its places. */
    async renew(held: Iterable<{ owned: RunRef; model: Model }>): Promise<void> {
      const byModel = Map.groupBy(held, ({ model }) => model.info.id);
      const refsOf = (id: string): RunRef[] =>
        (byModel.get(id) ?? []).map(({ owned: { conversationId, runId } }) => ({ conversationId, runId }));
      await Promise.allSettled(limited().flatMap((id) => (byModel.has(id) ? [keep(id, refsOf(id))] : [])));
    },
    /** Names of models that had no place a moment ago. */
    full: (): string[] => [...fullAt].flatMap(([id, at]) => (clock.now() - at < FULL_MS ? namesOf(id) : [])),
  };
};
