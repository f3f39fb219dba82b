import { hash } from 'node:crypto';
import { LIMITS, type OwnedRun, type RunWriter, type ConversationEditor } from '@runnel/coordination';
import type { AuditClient } from '@runnel/gateway';
import type { Logger } from '@runnel/kit';
import { newId, RunnelError } from '@runnel/protocol';
import { parseBody, StoredPage } from '@runnel/protocol/http';
import type { OutboxEntry } from '@runnel/protocol/audit';
import type { AnswerJournal, RunningAnswer } from './answer-journal.ts';

const OWNER = 'journal';
const LEASE_MS = 10_000;

/**
 * Ends the answers that a killed process left, `interrupted` and with their text, as a process that was asked to end would have.
 * They are not gone on with: a model that took the process down would do so at each start.
 */
export const endLeftAnswers = async (
  journal: AnswerJournal,
  runLog: RunWriter & ConversationEditor,
  audit: AuditClient,
  log: Logger,
  isEnded: (run: OwnedRun) => boolean,
): Promise<void> => {
  for (const answer of journal.left()) {
    const { conversationId, runId } = answer;
    // It was shown whole; only the journal had not heard of it.
    if (isEnded(answer)) {
      journal.end(answer);
      continue;
    }
    try {
      const outcome = await endAnswer(answer, runLog, audit);
      journal.end(answer);
      log.info({ event: 'answer.recovered', conversationId, runId, outcome });
    } catch (err) {
      log.warn({ event: 'answer.not-recovered', conversationId, runId, err });
    }
  }
};

const ENDS = new Set<string>(['STREAM_COMPLETED', 'STREAM_CANCELLED', 'STREAM_ERROR']);

/** Whether a run has ended, or its owner has left it to wait for a person, by what a killed process left in its outbox. */
export const endedIn = (entries: readonly OutboxEntry[]): ((run: OwnedRun) => boolean) => {
  const keys = new Set<string>();
  for (const { type, conversation, data } of entries.map(({ fields }) => fields)) {
    if (!ENDS.has(type) && type !== 'RUN_WAITING') continue;
    const { runId, epoch } = JSON.parse(data) as { runId: string; epoch: number };
    keys.add(ENDS.has(type) ? `${conversation} ${runId}` : `${conversation} ${runId} ${epoch}`);
  }
  return ({ conversationId, runId, epoch }) => keys.has(`${conversationId} ${runId}`) || keys.has(`${conversationId} ${runId} ${epoch}`);
};

const endAnswer = async (answer: RunningAnswer, runLog: RunWriter & ConversationEditor, audit: AuditClient): Promise<string> => {
  const { conversationId, runId, epoch, text } = answer;
  if (await waits(answer, runLog, audit)) return 'waits';
  const { outcome } = await runLog.restoreRun({ ...answer, owner: OWNER, leaseMs: LEASE_MS, newLogId: newId() });
  if (outcome !== 'restored') return outcome;
  const standing = { bytes: Buffer.byteLength(text), sha256: hash('sha256', text, 'hex') };
  return (await runLog.endRun({ conversationId, runId, epoch, reason: 'interrupted', ...standing })).outcome;
};

/**
 * Brings what else the conversation has, which is in the tables only: the journal knows no more of it than the model was told. An answer that
 * had waited for a person and said nothing since is whole in the tables: it comes back from there, to whoever opens it (true).
 */
const waits = async (
  { conversationId, userId, run, text }: RunningAnswer,
  runLog: RunWriter & ConversationEditor,
  audit: AuditClient,
): Promise<boolean> => {
  const { status, body } = await audit.call(`/history/${conversationId}?limit=${LIMITS.messages}&parked=1`, { userId });
  if (status === 404) return false;
  if (status !== 200) throw new RunnelError('unavailable');
  const { messages, hasMore, title = '', parked } = parseBody(StoredPage, body);
  if (parked?.runId === run.runId && parked.text === text) return true;
  // A prompt that has no answer yet comes with its run, which W-4 must find by the prompt's id.
  const isAnswered = messages.some(({ parentId }) => parentId === run.parentId);
  const known = isAnswered ? messages : messages.filter(({ messageId }) => messageId !== run.parentId);
  await runLog.rehydrate({ conversationId, userId, title, messages: known, hasMore });
  return false;
};
