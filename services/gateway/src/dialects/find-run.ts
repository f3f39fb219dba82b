import type { ReadState, RunLog } from '@runnel/coordination';
import { RunnelError } from '@runnel/protocol';
import { lookAgain } from './look-again.ts';

/** A run of a conversation, and where to look for it. */
export interface FoundRun {
  runId: string;
  running: boolean;
}

/** The newest run, or one by name, among what a snapshot has. Pure. */
const runIn = (state: Extract<ReadState, { kind: 'snapshot' }>, runId: string | undefined): FoundRun | null => {
  if (state.run && (runId === undefined || state.run.runId === runId)) return { runId: state.run.runId, running: true };
  const message = state.messages.findLast(({ messageId, role }) => role === 'assistant' && (runId === undefined || messageId === runId));
  return message ? { runId: message.messageId, running: false } : null;
};

/** Null: there is no such conversation, or no such run in it. Throws `forbidden`. */
export const findRun = async (
  runLog: Pick<RunLog, 'readState' | 'storeChangedAgoMs'>,
  place: { conversationId: string; userId: string },
  runId?: string,
): Promise<FoundRun | null> =>
  lookAgain(runLog, async () => {
    const state = await runLog.readState({ ...place, cursor: null });
    if (state.kind === 'forbidden') throw new RunnelError('forbidden');
    return state.kind === 'snapshot' ? runIn(state, runId) : null;
  });
