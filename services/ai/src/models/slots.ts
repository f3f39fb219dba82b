/** So many may work at a time; the others wait their turn, for as long as their signal lets them. */
export const createSlots = (count: number) => {
  let free = count;
  const queue: (() => void)[] = [];
  return {
    /** True when there is a slot, which must be given back; false when the signal aborted first. */
    take(signal: AbortSignal): Promise<boolean> {
      if (signal.aborted) return Promise.resolve(false);
      if (free > 0) {
        free--;
        return Promise.resolve(true);
      }
      return new Promise((resolve) => {
        const leave = (): void => {
          queue.splice(queue.indexOf(enter), 1);
          resolve(false);
        };
        const enter = (): void => {
          signal.removeEventListener('abort', leave);
          resolve(true);
        };
        queue.push(enter);
        signal.addEventListener('abort', leave, { once: true });
      });
    },
    giveBack(): void {
      const next = queue.shift();
      if (next === undefined) free++;
      else next();
    },
  };
};
