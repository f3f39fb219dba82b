/** Real time passing is part of a scenario ("Redis paused for 3 s"); waiting for something to happen is `waitFor`. */
export const elapse = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface WaitOptions {
  deadlineMs: number;
  /** Completes the sentence "waited 1000 ms for …". */
  what: string;
  everyMs?: number;
}

/** Resolves with the first truthy answer, or rejects at the deadline. A condition that throws has not happened yet. */
export const waitFor = async <T>(
  condition: () => T | Promise<T>,
  { deadlineMs, what, everyMs = 10 }: WaitOptions,
): Promise<Exclude<T, false | null | undefined>> => {
  const deadline = performance.now() + deadlineMs;
  let lastError: unknown;
  for (;;) {
    try {
      const answer = await condition();
      if (answer) return answer as Exclude<T, false | null | undefined>;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() >= deadline) throw new Error(`waited ${deadlineMs} ms for ${what}`, { cause: lastError });
    await elapse(everyMs);
  }
};

/** The promise's own outcome, or a rejection when it takes longer. */
export const within = async <T>(promise: Promise<T>, ms: number, what: string): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};
