import { isDeepStrictEqual } from 'node:util';
import type { ModelEntry } from '@runnel/protocol/http';
import { createModelRegistry, type Model, type ModelRegistry, type ModelsOptions } from '../registry.ts';

export interface LiveRegistry extends ModelRegistry {
  /**
   * Other entries count from now on. A model whose entry is the same stays as it is, with its breaker and its connections.
   *
   * @throws ConfigError with every problem of the entries; then nothing has changed
   */
  replace(entries: readonly ModelEntry[]): void;
  /** What the models were made of. */
  entries(): ModelEntry[];
  /** Closes models that have been replaced, and that nobody uses any more. */
  retire(isUsed: (model: Model) => boolean): void;
}

/** A list of models that may be exchanged while answers are written: each finishes with the model it began with. */
export const createLiveRegistry = (entries: readonly ModelEntry[], options: ModelsOptions = {}): LiveRegistry => {
  let held = new Map<string, { entry: ModelEntry; model: Model }>();
  const reuse = (entry: ModelEntry): Model | undefined => {
    const known = held.get(entry.id);
    return known && isDeepStrictEqual(known.entry, entry) ? known.model : undefined;
  };
  const make = (next: readonly ModelEntry[]): ModelRegistry => {
    const made = createModelRegistry(next, { ...options, reuse });
    held = new Map(next.map((entry) => [entry.id, { entry, model: made.get(entry.id)! }]));
    return made;
  };
  const retired = new Set<Model>();
  let current = make(entries);

  return {
    list: () => current.list(),
    get: (id) => current.get(id),
    get suited() {
      return current.suited;
    },
    warmUp: () => current.warmUp(),
    entries: () => [...held.values()].map(({ entry }) => entry),
    replace(next) {
      const before = [...held.values()].map(({ model }) => model);
      current = make(next);
      const kept = new Set([...held.values()].map(({ model }) => model.provider));
      for (const model of before) if (!kept.has(model.provider)) retired.add(model);
      void current.warmUp();
    },
    retire(isUsed) {
      for (const model of retired) {
        if (isUsed(model)) continue;
        retired.delete(model);
        void model.provider.close?.().catch(() => undefined);
      }
    },
    async close() {
      await Promise.allSettled([current.close(), ...[...retired].map(({ provider }) => provider.close?.())]);
    },
  };
};
