/** Which run. */
export interface RunRef {
  conversationId: string;
  runId: string;
}
/** Runs of two conversations may have one name: a name alone is no key. */
export const runKey = ({ conversationId, runId }: RunRef): string => `${conversationId}:${runId}`;
/** A run as one of its owners knows it: the epoch fences it. */
export interface OwnedRun extends RunRef {
  epoch: number;
}
/** Ids hold no colon. */
export const refOfKey = (key: string): RunRef => {
  const [conversationId = '', runId = ''] = key.split(':');
  return { conversationId, runId };
};
