/** Kafka's words for a record that it will never take. */
const REFUSALS: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'INVALID_TIMESTAMP']);

/** Whether a `send` failed for what a record is: it would fail for ever, and the others of its batch with it. Pure. */
export const isRecordsFault = (error: unknown): boolean => {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (REFUSALS.has(String((at as { type?: unknown }).type ?? ''))) return true;
  }
  return false;
};
