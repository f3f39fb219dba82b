import type { RunRef } from '@runnel/coordination';

export interface Dispatcher {
  /** Offers a queued run to the AI pods until one takes it. Never rejects: a run nobody takes stays queued and is swept. */
  dispatch(run: RunRef & { trace?: string }): Promise<'accepted' | 'queued'>;
  close(): void;
}
