/** Which run. */
export interface RunRef {
  conversationId: string;
  runId: string;
}
/** A run as one of its owners knows it: the epoch fences it. */
export interface OwnedRun extends RunRef {
  epoch: number;
}
