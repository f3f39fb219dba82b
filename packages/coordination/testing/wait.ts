/** Waits for a condition, looking every few milliseconds. @throws Error when it did not come true in time */
export const waitFor = async (
  condition: () => boolean | Promise<boolean>,
  { deadlineMs = 5_000, everyMs = 10, what = 'condition' } = {},
): Promise<void> => {
  const end = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Not in ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
};
