let failures = 0;

/** How many steps failed so far. */
export const failedSteps = (): number => failures;

const tell = (line: object): void => console.log(JSON.stringify(line));

/** Runs one step and tells how it went, one JSON line; what follows a failed step is still tried, the report shows where it began. */
export const step = async (name: string, run: () => Promise<string | void>): Promise<void> => {
  const startedAt = performance.now();
  const ms = (): number => Math.round(performance.now() - startedAt);
  try {
    const note = await run();
    tell({ name, ms: ms(), ok: true, notes: note ? [note] : [] });
  } catch (error) {
    failures++;
    const { message, cause } = error as Error;
    tell({ name, ms: ms(), ok: false, error: cause instanceof Error ? `${message}\ncaused by ${cause.message}` : message });
  }
};
