import type { Message } from '@runnel/protocol';

/** Pieces of an answer, which are most of a log: they name nothing that another event has not named. */
const PIECE = /^\{"type":"(part-)?chunk"/;

interface Told {
  type: string;
  message?: Pick<Message, 'messageId' | 'parentId'>;
  runId?: string;
}

/**
 * Whether the events of a log tell everything that the conversation has. One that begins at offset 1 may not: what a store had lost, and an
 * owner or the database put back, is state without events, and the log goes on behind it. `state`: what the conversation has. Pure.
 */
export const tellsAll = (
  entries: readonly { json: string }[],
  state: { messages: readonly Pick<Message, 'messageId'>[]; run: { runId: string } | null },
): boolean => {
  const known = new Set<string>();
  for (const { json } of entries) {
    if (PIECE.test(json)) continue;
    const { type, message, runId } = JSON.parse(json) as Told;
    if (message) {
      if (message.parentId !== null && !known.has(message.parentId)) return false;
      known.add(message.messageId);
    } else if (type === 'run-started') known.add(runId!);
    else if (runId !== undefined && !known.has(runId)) return false;
  }
  return state.messages.every(({ messageId }) => known.has(messageId)) && (state.run === null || known.has(state.run.runId));
};
