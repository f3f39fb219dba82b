import { toLuaJson } from '../../messages.ts';
import { filesOf } from '../../parts.ts';
import type { StoredMessage } from '../../run-log/run-log.ts';

/**
 * A message for `restore-run`: with parts also as the trail is told of it, for their content is told with them alone; and what it is told of
 * its files, which nobody else tells it again.
 */
export const storedMessage = (message: StoredMessage, madeRun: string): (string | string[])[] => {
  const { parts, ...bare } = message;
  const facts = filesOf(message).map(({ facts: told }) => JSON.stringify(told));
  return [message.messageId, toLuaJson(message), madeRun, ...(parts ? [toLuaJson(bare), facts] : [])];
};
