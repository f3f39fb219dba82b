import { createHash } from 'node:crypto';
import type { RunLog } from '@runnel/coordination';
import type { MessageStatus } from '@runnel/protocol';
import type { Budgets } from '../../budgets/index.ts';
import { checkSameBody, keyReused, NOT_STORED, type RequestIds } from './ids.ts';

export interface AttemptIds extends RequestIds {
  /** The prompt stands in its conversation: it is answered once more. */
  isAgain: boolean;
}

interface AttemptContext {
  runLog: Pick<RunLog, 'findRun' | 'readState'>;
  budgets: Pick<Budgets, 'command'>;
}

const NO_ANSWER: ReadonlySet<MessageStatus | undefined> = new Set<MessageStatus | undefined>(['failed', 'interrupted']);

/** The run of the nth answer to a key, the same one on every gateway. */
const runOf = (runId: string, attempt: number): string => {
  if (attempt === 0) return runId;
  const again = createHash('sha256')
    .update(JSON.stringify([runId, attempt]))
    .digest('hex')
    .slice(0, 32);
  return runId.startsWith(NOT_STORED) ? NOT_STORED + again : again;
};

/**
 * Which run a request with a key means: that of the first try, or, where that one failed, the next one to the same prompt, for a failure is no
 * answer and a client that repeats the request wants one. Two retries at once mean the same run. A request without a key means its own.
 *
 * @throws ApiError `idempotency_key_reused`: the key has another body's run, wherever that body had it kept
 */
export const attemptOf = async ({ runLog, budgets }: AttemptContext, ids: RequestIds, userId: string): Promise<AttemptIds> => {
  const first = { ...ids, isAgain: false };
  if (ids.key === undefined) return first;
  const { conversationId, runId } = ids;
  const { outcome } = await runLog.findRun({ conversationId, runId, userId, messageId: null });
  if (outcome === 'none') {
    const others = await Promise.all(ids.elsewhere.map((place) => runLog.findRun({ ...place, userId, messageId: null })));
    if (others.some((other) => other.outcome === 'running' || other.outcome === 'ended')) throw keyReused();
  }
  if (outcome !== 'ended') return first;
  await budgets.command(userId);
  await checkSameBody(ids, userId, runLog);
  const state = await runLog.readState({ conversationId, userId });
  if (state.kind !== 'snapshot') return first;
  const ended = new Map(state.messages.map(({ messageId, status }) => [messageId, status]));
  let attempt = 0;
  while (NO_ANSWER.has(ended.get(runOf(runId, attempt)))) attempt++;
  return { ...ids, runId: runOf(runId, attempt), isAgain: attempt > 0 };
};
