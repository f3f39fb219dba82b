import { RunnelError } from '@runnel/protocol';
import type { BeginRunResult, CancelRunResult, ChangeResult } from '@runnel/coordination';

const UNFIT = {
  blind: 'This model cannot look at pictures: pick another one, or leave them out.',
  room: 'The files are more than this model can read at once.',
};

/** Turns an outcome of the run log into the caller's answer, or throws the protocol's error. */
export const runOrThrow = (result: BeginRunResult): Extract<BeginRunResult, { offset: number }> => {
  switch (result.outcome) {
    case 'started':
    case 'duplicate':
      return result;
    case 'busy':
      throw new RunnelError('busy', undefined, { runId: result.runId });
    case 'overloaded':
      throw new RunnelError('overloaded', undefined, { retryAfterMs: 1000 });
    case 'forbidden':
    case 'not-found':
      throw new RunnelError(result.outcome);
    case 'unfit':
      throw new RunnelError('model-unfit', UNFIT[result.why]);
    case 'older':
    // Only callers that ask the database get it as a result.
    case 'none':
      // A regenerate in a conversation that does not exist.
      throw new RunnelError('not-found');
    case 'other-model':
    // Only who left the model open gets it as a result.
    case 'lossy':
      // Only callers that ask the database get `lossy` as a result.
      throw new RunnelError('unavailable');
    default:
      return result satisfies never;
  }
};

export const cancelOrThrow = (result: CancelRunResult): Extract<CancelRunResult, { outcome: 'cancelling' | 'already-ended' }> => {
  switch (result.outcome) {
    case 'cancelling':
    case 'already-ended':
      return result;
    case 'gone':
      throw new RunnelError('not-found');
    case 'forbidden':
      throw new RunnelError('forbidden');
    default:
      return result satisfies never;
  }
};

export const changeOrThrow = (result: ChangeResult): { offset: number } => {
  switch (result.outcome) {
    case 'done':
      return { offset: result.offset };
    case 'busy':
      throw new RunnelError('busy', undefined, { runId: result.runId });
    case 'forbidden':
    case 'not-found':
      throw new RunnelError(result.outcome);
    default:
      return result satisfies never;
  }
};
