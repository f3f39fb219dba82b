import type { Subscription, Channels } from '@runnel/coordination';
import { readPrefix } from '@runnel/protocol';

/** Longer than the prefix of any event. */
const HEAD_BYTES = 160;
const HINTS = /^\{"type":"(typing|presence)"/;

/** Whether what a channel brought may have changed a page of finished messages. Anything unknown may. */
export const changesHistory = (bytes: Buffer): boolean => {
  const head = bytes.toString('latin1', 0, HEAD_BYTES);
  return readPrefix(head)?.type !== 'chunk' && !HINTS.test(head);
};

/** Calls `changed` for everything that may change a page of history, and when something may have been missed. */
export const watchHistory = (runLog: Channels, conversationId: string, changed: () => void): Promise<Subscription> =>
  runLog.follow(conversationId, {
    message: (bytes) => {
      if (changesHistory(bytes)) changed();
    },
    resubscribed: changed,
  });
