/** The short prefix that routing needs; everything behind it is forwarded unread (L-3). */
export interface EventPrefix {
  type: string;
  conversationId: string;
  offset: number;
}

const PREFIX = /^\{"type":"([a-z-]+)","conversationId":"([A-Za-z0-9_-]+)","offset":(\d+)[,}]/;

/** Reads the prefix every event of the log is written with; null for anything else (hints, resets). */
export const readPrefix = (head: string): EventPrefix | null => {
  const match = PREFIX.exec(head);
  return match && { type: match[1]!, conversationId: match[2]!, offset: Number(match[3]) };
};

const CHUNK_HEAD = '{"type":"chunk","conversationId":"';
const OFFSET_HEAD = '","offset":';
const ZERO = 48;

/** The offset of a chunk of this conversation, as `readPrefix` finds it but with nothing made on the way; 0 for anything else. */
export const readChunkOffset = (head: string, conversationId: string): number => {
  const idEnd = CHUNK_HEAD.length + conversationId.length;
  if (!head.startsWith(CHUNK_HEAD) || !head.startsWith(conversationId, CHUNK_HEAD.length) || !head.startsWith(OFFSET_HEAD, idEnd)) return 0;
  let offset = 0;
  let i = idEnd + OFFSET_HEAD.length;
  for (let digit; (digit = head.charCodeAt(i) - ZERO) >= 0 && digit <= 9; i++) offset = offset * 10 + digit;
  return head[i] === ',' || head[i] === '}' ? offset : 0;
};
