import { digestOf, type DecidePart, type Decision, type RunLog } from '@runnel/coordination';
import { isFinal, RunnelError, type Part } from '@runnel/protocol';

export interface DecideCommand {
  conversationId: string;
  runId: string;
  partId: string;
  decision: Decision;
  /** Of the input that was shown; needed to approve and to retry (W-18). */
  inputSha256?: string;
  text?: string;
}
export type DecideOutcome = 'decided' | 'already-decided' | 'stale';

type Next = { part: Part } | 'already-decided' | 'stale';

const refuse = (words: string): never => {
  throw new RunnelError('bad-frame', words);
};

/**
 * What a decision makes of a part. Pure.
 *
 * @throws RunnelError `bad-frame` for one that this part does not take, or without what it needs
 */
export const decideOn = (
  part: Part,
  { decision, inputSha256, text }: Omit<DecideCommand, 'conversationId' | 'runId' | 'partId'>,
  userId: string,
  now: number,
): Next => {
  if (part.kind !== 'tool' && part.kind !== 'question') return refuse('There is nothing to decide about this part.');
  const takes = part.kind === 'question' ? ['answer', 'skip'] : part.state === 'unknown' ? ['retry', 'skip'] : ['approve', 'deny'];
  const isOpen = part.state === 'waiting' || part.state === 'unknown';
  if (isOpen && !takes.includes(decision)) return refuse(`This part takes ${takes.join(' or ')}.`);
  const needsInput = decision === 'approve' || decision === 'retry';
  if (needsInput && inputSha256 === undefined) return refuse('inputSha256 says what was shown: it is needed here.');
  if (decision === 'answer' && (text === undefined || text.trim() === '')) return refuse('An answer has a text.');
  if (!isOpen) return isFinal(part) || part.state === 'approved' || part.state === 'running' ? 'already-decided' : 'stale';
  if (inputSha256 !== undefined && inputSha256 !== digestOf(part.input ?? '')) return 'stale';
  return { part: { ...part, ...decided(part, decision, text, userId, now) } };
};

const decided = (part: Part, decision: Decision, text: string | undefined, userId: string, now: number): Partial<Part> => {
  const note = text === undefined || text.trim() === '' ? {} : { note: text.trim() };
  const approval = { ...(part.approval ?? { policy: 'ask' as const }), by: userId, at: now };
  switch (decision) {
    case 'approve':
      return { state: 'approved', approval: { ...approval, decision: 'approved' }, ...note };
    case 'retry':
      return { state: 'approved', approval: { ...approval, decision: 'approved' } };
    case 'deny':
      return { state: 'denied', approval: { ...approval, decision: 'denied' }, endedAt: now, ...note };
    case 'answer':
      return { state: 'answered', answer: text!.trim(), endedAt: now };
    case 'skip':
      if (part.kind === 'question') return { state: 'dismissed', endedAt: now };
      return { state: 'failed', error: { code: 'outcome-unknown', message: 'Nobody knows whether the call acted.' }, endedAt: now };
  }
};

const TRIES = 4;

/** Decides once, whoever else does: what was read is what is decided, or it is read again. @throws RunnelError not-found, forbidden, bad-frame */
export const decidePart = async (
  runLog: Pick<RunLog, 'readState' | 'decidePart' | 'findRun'>,
  userId: string,
  command: DecideCommand,
  now: () => number = Date.now,
): Promise<DecideOutcome> => {
  const { conversationId, runId, partId, decision, inputSha256, text } = command;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const state = await runLog.readState({ conversationId, userId, runId, sure: true });
    if (state.kind === 'forbidden') throw new RunnelError('forbidden');
    if (state.kind !== 'snapshot') throw new RunnelError('not-found');
    if (state.run?.runId !== runId) {
      const message = state.messages.find(({ messageId }) => messageId === runId);
      if (message?.parts?.some((part) => part.partId === partId)) return 'already-decided';
      if (message === undefined) {
        const found = await runLog.findRun({ conversationId, userId, messageId: null, runId });
        if (found.outcome === 'ended') return 'already-decided';
      }
      throw new RunnelError('not-found', 'There is no such run or part.');
    }
    const expected = state.run.parts?.find((part) => part.partId === partId);
    // A store that went back behind the question: who claims the run asks it again, as the database has it.
    if (!expected && state.lossy) throw new RunnelError('unavailable', 'This answer is being put back; try again.');
    if (!expected) throw new RunnelError('not-found', 'There is no such run or part.');
    const said = { decision, ...(inputSha256 !== undefined && { inputSha256 }), ...(text !== undefined && { text }) };
    const next = decideOn(expected, said, userId, now());
    if (typeof next === 'string') return next;
    const change: DecidePart = { conversationId, runId, userId, decision, expected, part: next.part };
    const { outcome } = await runLog.decidePart({ ...change, ...(inputSha256 !== undefined && { inputSha256 }) });
    if (outcome === 'decided') return 'decided';
    if (outcome === 'closed') return 'already-decided';
    if (outcome === 'forbidden') throw new RunnelError('forbidden');
    if (outcome === 'gone') throw new RunnelError('not-found', 'There is no such run or part.');
  }
  throw new RunnelError('unavailable', 'This part changes too quickly; try again.');
};
