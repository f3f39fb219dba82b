/**
 * What came of many calls, of which some may fail: one node of a cluster that is down stops nothing on the others.
 *
 * @throws the first failure when nothing was answered
 */
export const answered = async <T>(calls: readonly Promise<T>[], onFailure: (error: unknown) => void = () => {}): Promise<T[]> => {
  const settled = await Promise.allSettled(calls);
  const failures = settled.filter((one) => one.status === 'rejected');
  if (failures.length > 0 && failures.length === settled.length) throw failures[0]!.reason;
  for (const { reason } of failures) onFailure(reason);
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
};
