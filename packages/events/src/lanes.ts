interface Lane<T> {
  waiting: { items: readonly T[]; done: PromiseWithResolvers<void> }[];
  busy: boolean;
}

/**
 * Sends batches, one at a time for each lane; what comes meanwhile is joined into the lane's next batch, in its order. A batch that
 * fails rejects everybody in it.
 */
export const createLanes = <T>(send: (lane: string, items: readonly T[]) => Promise<void>, most: number) => {
  const lanes = new Map<string, Lane<T>>();

  const run = async (name: string, lane: Lane<T>): Promise<void> => {
    if (lane.busy) return;
    lane.busy = true;
    while (lane.waiting.length > 0) {
      const group = [lane.waiting.shift()!];
      let count = group[0]!.items.length;
      while (lane.waiting[0] && count + lane.waiting[0].items.length <= most) {
        count += lane.waiting[0].items.length;
        group.push(lane.waiting.shift()!);
      }
      try {
        await send(
          name,
          group.flatMap(({ items }) => items),
        );
        for (const { done } of group) done.resolve();
      } catch (error) {
        for (const { done } of group) done.reject(error);
      }
    }
    lane.busy = false;
    lanes.delete(name);
  };

  return (name: string, items: readonly T[]): Promise<void> => {
    const lane = lanes.get(name) ?? { waiting: [], busy: false };
    lanes.set(name, lane);
    const done = Promise.withResolvers<void>();
    lane.waiting.push({ items, done });
    void run(name, lane);
    return done.promise;
  };
};
