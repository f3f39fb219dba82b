import { utf8Length } from '@runnel/protocol';
import type { Encoder } from '../answer-feed.ts';
import type { AnswerEnd } from '../answer.ts';
import { NOTHING_TOLD, unfold, type Unfolded } from '../parts/unfold.ts';
import { branchTo } from './messages.ts';
import { answerMessages, inSnapshot, interruptOf, partEvents, type AgUiEvent, type AgUiMessage, type PartSent } from './part-events.ts';

export interface Thread {
  threadId: string;
  /** As the client calls it. */
  runId: string;
}
/** An answer that is told in a thread. */
export interface Telling extends Thread {
  /** The run that writes it. */
  messageId: string;
  /** The client may hold some of it: it is told the conversation first, with the answer so far. */
  joins: boolean;
  /** Parts that a person has decided about just now. */
  decided?: ReadonlySet<string>;
}

/** `fresh`: nothing was told. `begun`: the run. `over`: everything. */
interface Sent {
  phase: 'fresh' | 'begun' | 'over';
  told: Unfolded;
  /** Of each part that was told of; null: only that it is not in the snapshot. */
  parts: readonly (PartSent | null)[];
  /** Its text message is open. */
  isOpen: boolean;
  restarts: number;
}

export const runStarted = ({ threadId, runId }: Thread): AgUiEvent => ({ type: 'RUN_STARTED', threadId, runId, protocolVersion: '1.0' });
export const snapshotOf = (messages: readonly AgUiMessage[]): AgUiEvent => ({ type: 'MESSAGES_SNAPSHOT', messages });

export const runFinished = ({ threadId, runId }: Thread, outcome: object, proof?: object): AgUiEvent => ({
  type: 'RUN_FINISHED',
  ...{ threadId, runId },
  outcome,
  ...(proof && { result: proof }),
});

const endOf = (thread: Thread, { reason, error, proof, finish }: AnswerEnd): AgUiEvent => {
  if (error) return { type: 'RUN_ERROR', message: error.message, code: error.code };
  const outcome = { type: reason === 'cancelled' ? 'cancelled' : 'success' };
  return runFinished(thread, outcome, { ...proof, ...(finish && { finish }) });
};

/** An answer as AG-UI's events; one that has to begin again is told by a snapshot, and goes on from there. */
export const eventEncoder = (telling: Telling): Encoder<Sent> => ({
  fresh: { phase: 'fresh', told: NOTHING_TOLD, parts: [], isOpen: false, restarts: 0 },
  withHistory: true,
  encode(sent, answer) {
    const { messageId, joins, decided } = telling;
    const { history, end, waiting } = answer;
    const events: AgUiEvent[] = [];
    if (sent.phase === 'over' || (sent.phase === 'fresh' && joins && history === null && !end)) return { events, sent };
    const ended = end !== null;
    const parts = [...sent.parts];
    let { told, isOpen } = sent;
    const close = (): void => {
      if (isOpen) events.push({ type: 'TEXT_MESSAGE_END', messageId });
      isOpen = false;
    };
    const open = (): void => {
      if (!isOpen) events.push({ type: 'TEXT_MESSAGE_START', messageId, role: 'assistant' });
      isOpen = true;
    };
    /** The conversation with the answer so far, which counts as told then. */
    const tellAll = (): void => {
      const known = (history ?? []).find((message) => message.messageId === messageId);
      const before = branchTo(history ?? [], known ? known.parentId : answer.parentId);
      events.push(snapshotOf([...before, ...answerMessages({ messageId, text: answer.text, parts: answer.parts }, { ended })]));
      told = { chars: answer.text.length, bytes: utf8Length(answer.text), parts: answer.parts.length };
      parts.splice(0, parts.length, ...answer.parts.map((part) => inSnapshot(part, ended)));
      // An answer that has ended is told by it; one that is written goes on under its id.
      if (!ended && !waiting) open();
    };
    if (sent.phase === 'fresh') {
      events.push(runStarted(telling));
      if (joins) tellAll();
    } else if (sent.restarts !== answer.restarts) {
      close();
      tellAll();
    }
    for (const [index, before] of parts.entries()) {
      const part = answer.parts[index];
      if (!part || before?.isOver) continue;
      const next = partEvents(part, messageId, before, ended);
      if (next.events.length > 0) close();
      events.push(...next.events);
      parts[index] = next.sent;
    }
    const next = unfold(answer, told);
    for (const piece of next.pieces) {
      if (piece.kind === 'text') {
        open();
        events.push({ type: 'TEXT_MESSAGE_CONTENT', messageId, delta: piece.text });
      } else {
        close();
        const { events: more, sent: after } = partEvents(piece.part, messageId, null, ended);
        events.push(...more);
        parts.push(after);
      }
    }
    const asked = answer.parts.filter(({ partId }) => waiting?.includes(partId) === true && !decided?.has(partId));
    const isOver = ended || asked.length > 0;
    if (isOver) {
      close();
      events.push(end ? endOf(telling, end) : runFinished(telling, { type: 'interrupt', interrupts: asked.map(interruptOf) }));
    }
    return { events, sent: { phase: isOver ? 'over' : 'begun', told: next.told, parts, isOpen, restarts: answer.restarts }, isOver };
  },
});
