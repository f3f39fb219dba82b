import type { ForkResult, RunLog } from '@runnel/coordination';
import { RunnelError, type Message } from '@runnel/protocol';
import type { Admission } from '../budgets/admission.ts';

export interface ForkCommand {
  /** The new one's, chosen by the caller: who repeats the command gets the same. */
  conversationId: string;
  from: { conversationId: string; messageId: string };
  title: string;
  messages: readonly Message[];
  /** UTF-8, for the budget of the day. */
  bytes: number;
  /** The source's own. */
  system?: string;
  model?: string;
}
export type ForkOutcome = 'forked' | 'duplicate';

const forkOrThrow = (result: ForkResult): ForkOutcome => {
  switch (result.outcome) {
    case 'forked':
    case 'duplicate':
      return result.outcome;
    case 'exists':
      throw new RunnelError('bad-frame', 'The id is that of another conversation of yours.');
    case 'overloaded':
      throw new RunnelError('overloaded', undefined, { retryAfterMs: 1000 });
    case 'gone':
      throw new RunnelError('not-found', 'It was forked before, and deleted since.');
    case 'forbidden':
      throw new RunnelError('forbidden');
    case 'none':
      // Nobody could say whose the id is.
      throw new RunnelError('unavailable');
    default:
      return result satisfies never;
  }
};

/** Makes the conversation. */
export const forkConversation = async (
  { runLog, admission }: { runLog: Pick<RunLog, 'forkConversation'>; admission: Pick<Admission, 'write'> },
  userId: string,
  { bytes, ...command }: ForkCommand,
): Promise<{ outcome: ForkOutcome }> => {
  await admission.write(userId, bytes);
  return { outcome: forkOrThrow(await runLog.forkConversation({ ...command, userId })) };
};
