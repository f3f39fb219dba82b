import type { Message } from '@runnel/protocol';
import { answerMessages, type AgUiMessage } from './part-events.ts';

/** From the root, or as far up as is known, to a message; deleted ones have left nothing to tell. Pure. */
export const branchTo = (messages: readonly Message[], leaf: string | null): AgUiMessage[] => {
  const byId = new Map(messages.map((message) => [message.messageId, message]));
  const branch: AgUiMessage[][] = [];
  let at = leaf === null ? undefined : byId.get(leaf);
  while (at) {
    const told = at.role === 'assistant' ? answerMessages(at, { ended: true }) : [{ id: at.messageId, role: at.role, content: at.text }];
    if (at.status !== 'deleted') branch.unshift(told);
    byId.delete(at.messageId);
    at = at.parentId === null ? undefined : byId.get(at.parentId);
  }
  return branch.flat();
};
