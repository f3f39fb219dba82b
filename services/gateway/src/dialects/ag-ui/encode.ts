import type { Encoder } from '../answer-feed.ts';
import type { AnswerEnd } from '../openai/answer.ts';
import { branchTo, type AgUiMessage } from './messages.ts';

export type AgUiEvent = { type: string } & Record<string, unknown>;

export interface Thread {
  threadId: string;
  runId: string;
}

/** `fresh`: nothing was told. `begun`: the run. `text`: its message is open. `over`: everything. */
interface Sent {
  phase: 'fresh' | 'begun' | 'text' | 'over';
  text: string;
  restarts: number;
}

export const runStarted = (thread: Thread): AgUiEvent => ({ type: 'RUN_STARTED', ...thread, protocolVersion: '1.0' });
export const snapshotOf = (messages: readonly AgUiMessage[]): AgUiEvent => ({ type: 'MESSAGES_SNAPSHOT', messages });
const messageStart = ({ runId }: Thread): AgUiEvent => ({ type: 'TEXT_MESSAGE_START', messageId: runId, role: 'assistant' });
const messageEnd = ({ runId }: Thread): AgUiEvent => ({ type: 'TEXT_MESSAGE_END', messageId: runId });

export const runFinished = (thread: Thread, outcome: 'success' | 'cancelled', proof?: object): AgUiEvent => ({
  type: 'RUN_FINISHED',
  ...thread,
  outcome: { type: outcome },
  ...(proof && { result: proof }),
});

const endOf = (thread: Thread, { reason, error, proof, finish }: AnswerEnd): AgUiEvent => {
  if (error) return { type: 'RUN_ERROR', message: error.message, code: error.code };
  return runFinished(thread, reason === 'cancelled' ? 'cancelled' : 'success', { ...proof, ...(finish && { finish }) });
};

/**
 * An answer as AG-UI's events. `joins`: the client may hold some of it, so it is told the conversation first, with the answer so far, and
 * goes on from there; so it is again when the answer has to begin again.
 */
export const eventEncoder = (thread: Thread, joins: boolean): Encoder<Sent> => ({
  fresh: { phase: 'fresh', text: '', restarts: 0 },
  withHistory: true,
  encode(sent, answer) {
    let { phase, text, restarts } = sent;
    const events: AgUiEvent[] = [];
    const { history, end } = answer;
    if (phase === 'over' || (phase === 'fresh' && joins && history === null && !end)) return { events, sent };
    const told = (content: string): AgUiEvent => {
      const known = (history ?? []).find(({ messageId }) => messageId === thread.runId);
      const before = branchTo(history ?? [], known ? known.parentId : answer.parentId);
      return snapshotOf([...before, { id: thread.runId, role: 'assistant', content }]);
    };
    const open = (): void => {
      events.push(messageStart(thread));
      phase = 'text';
    };
    if (phase === 'fresh') {
      events.push(runStarted(thread));
      [phase, restarts] = ['begun', answer.restarts];
      if (joins) {
        events.push(told(answer.text));
        ({ text } = answer);
        // An answer that has ended is told by the snapshot; one that is written goes on under its id.
        if (!end) open();
      }
    }
    if (restarts !== answer.restarts) {
      if (phase === 'text') events.push(messageEnd(thread));
      events.push(told(''));
      [phase, text, restarts] = ['begun', '', answer.restarts];
      if (!end) open();
    }
    if (answer.text.length > text.length) {
      if (phase === 'begun') open();
      events.push({ type: 'TEXT_MESSAGE_CONTENT', messageId: thread.runId, delta: answer.text.slice(text.length) });
      ({ text } = answer);
    }
    if (end) {
      if (phase === 'text') events.push(messageEnd(thread));
      events.push(endOf(thread, end));
      phase = 'over';
    }
    return { events, sent: { phase, text, restarts } };
  },
});
