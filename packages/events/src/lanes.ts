interface Batch<T> {
  items: readonly T[];
  done: PromiseWithResolvers<void>;
}
interface Lane<T> {
  waiting: Batch<T>[];
  busy: boolean;
}

/**
 * Sends batches, one at a time for each lane; what comes meanwhile is joined into the lane's next batch, in its order. A batch that
 * fails rejects everybody in it.
 *
 * @param isContents whether a failure is one of what was sent, not of the target: then those that were joined go each alone, so that
 *   nobody is refused for what came beside him
 */
export const createLanes = <T>(
  send: (lane: string, items: readonly T[]) => Promise<void>,
  most: number,
  isContents: (error: unknown) => boolean = () => false,
) => {
  const lanes = new Map<string, Lane<T>>();

  const sendTogether = async (name: string, group: readonly Batch<T>[]): Promise<void> => {
    try {
      await send(
        name,
        group.flatMap(({ items }) => items),
      );
      for (const { done } of group) done.resolve();
    } catch (error) {
      if (group.length > 1 && isContents(error)) for (const batch of group) await sendTogether(name, [batch]);
      else for (const { done } of group) done.reject(error);
    }
  };

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
      await sendTogether(name, group);
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
