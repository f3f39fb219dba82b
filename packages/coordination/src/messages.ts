import { isId, RunnelError } from '@runnel/protocol';
import type { BeginRun, StoredMessage } from './run-log.ts';

/** The messages from the root to one message; as far back as the store has them. */
export const pathTo = (messages: readonly StoredMessage[], messageId: string | null): StoredMessage[] => {
  const byId = new Map(messages.map((message) => [message.messageId, message]));
  const path: StoredMessage[] = [];
  // Parents are always older, so the walk ends; the size guards against a damaged history.
  for (let message = byId.get(messageId ?? ''); message && path.length < byId.size; message = byId.get(message.parentId ?? '')) {
    path.push(message);
  }
  return path.reverse();
};

/**
 * Ids become parts of keys and of hand-written JSON, so they are checked at this border too, whatever the caller did.
 *
 * @throws RunnelError `bad-frame`
 */
export const checkIds = (...ids: (string | null | undefined)[]): void => {
  for (const id of ids) if (id !== null && id !== undefined && !isId(id)) throw new RunnelError('bad-frame', 'This id is malformed.');
};

/** @throws RunnelError `bad-frame` */
export const checkBegin = (command: BeginRun): void => {
  checkIds(command.conversationId, command.runId, command.message?.messageId, command.parentId);
  if (command.message?.messageId === command.runId) throw new RunnelError('bad-frame', 'A message and its answer need different ids.');
};
