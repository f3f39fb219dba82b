export interface TextQueue extends AsyncIterable<string> {
  push(text: string): void;
  end(): void;
  fail(reason: unknown): void;
}

/**
 * Turns callbacks into an iterable. What waits is joined into one text, so that a slow reader holds one string; its bound is the
 * producer's own (the most tokens an answer may have).
 */
export const createTextQueue = (): TextQueue => {
  let waiting = '';
  let ended: { reason?: unknown } | null = null;
  let wake: (() => void) | undefined;
  const settle = (end: { reason?: unknown }): void => {
    ended ??= end;
    wake?.();
  };
  return {
    push(text) {
      waiting += text;
      wake?.();
    },
    end: () => settle({}),
    fail: (reason) => settle({ reason }),
    async *[Symbol.asyncIterator]() {
      for (;;) {
        if (waiting === '' && ended === null) await new Promise<void>((resolve) => (wake = resolve));
        const text = waiting;
        waiting = '';
        if (text !== '') yield text;
        else if (ended !== null) {
          if ('reason' in ended) throw ended.reason;
          return;
        }
      }
    },
  };
};
