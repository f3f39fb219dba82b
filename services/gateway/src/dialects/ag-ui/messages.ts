import type { Message, Role } from '@runnel/protocol';

/** A message as AG-UI writes it. No field is ever null: its clients refuse that. */
export interface AgUiMessage {
  id: string;
  role: Role;
  content: string;
}

/** From the root, or as far up as is known, to a message; deleted ones have left nothing to tell. Pure. */
export const branchTo = (messages: readonly Message[], leaf: string | null): AgUiMessage[] => {
  const byId = new Map(messages.map((message) => [message.messageId, message]));
  const branch: AgUiMessage[] = [];
  let at = leaf === null ? undefined : byId.get(leaf);
  while (at) {
    if (at.status !== 'deleted') branch.unshift({ id: at.messageId, role: at.role, content: at.text });
    byId.delete(at.messageId);
    at = at.parentId === null ? undefined : byId.get(at.parentId);
  }
  return branch;
};
