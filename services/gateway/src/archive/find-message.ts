import type { RunLog, StoredMessage } from '@runnel/coordination';
import { RunnelError } from '@runnel/protocol';

type Place = { conversationId: string; userId: string };

/** Pages that are read to find a message: all that the store keeps. */
const MOST_PAGES = 8;
const PAGE = 50;

/** A message that the store has. @throws RunnelError `forbidden` */
export const findMessage = async (
  runLog: Pick<RunLog, 'readHistory'>,
  place: Place,
  messageId: string,
): Promise<StoredMessage | undefined> => {
  let before: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const read = await runLog.readHistory({ ...place, limit: PAGE, ...(before !== undefined && { before }) });
    if (read.kind === 'forbidden') throw new RunnelError('forbidden');
    if (read.kind === 'none') return undefined;
    const found = read.messages.find((message) => message.messageId === messageId);
    before = read.messages[0]?.messageId;
    if (found || !read.hasMore || before === undefined) return found;
  }
  return undefined;
};
