/** One dispatched event of a `text/event-stream` (HTML Standard, "Server-sent events"); only the part that is used. */
export interface SseMessage {
  data: string;
}

/** An event larger than this is no event of ours: a snapshot of 50 messages stays far below. */
const MAX_BUFFER_CHARS = 16 * 1024 * 1024;

/**
 * Incremental parser: hand in text as it comes, get the events that are complete. Line ends may be CR, LF or CRLF, and may
 * be cut anywhere. Throws RangeError when a line never ends.
 */
export const createSseParser = (): ((text: string) => SseMessage[]) => {
  let rest = '';
  /** Part of `rest` known to hold no line end: a large event that comes in many pieces is scanned once. */
  let scanned = 0;
  let data: string[] = [];
  return (text) => {
    const messages: SseMessage[] = [];
    rest += text;
    if (rest.length > MAX_BUFFER_CHARS) throw new RangeError('An event of the stream is too large.');
    let start = 0;
    for (;;) {
      const end = nextLineEnd(rest, Math.max(start, scanned));
      if (end === null) break;
      const line = rest.slice(start, end.at);
      start = end.next;
      if (line === '') {
        if (data.length > 0) messages.push({ data: data.join('\n') });
        data = [];
      } else if (line.startsWith('data:')) {
        data.push(line.startsWith('data: ') ? line.slice(6) : line.slice(5));
      } else if (line === 'data') {
        data.push('');
      }
    }
    rest = rest.slice(start);
    scanned = Math.max(0, rest.length - 1);
    return messages;
  };
};

/** A CR at the very end waits for what follows: it may be half of a CRLF. */
const nextLineEnd = (text: string, from: number): { at: number; next: number } | null => {
  for (let i = from; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 10) return { at: i, next: i + 1 };
    if (unit !== 13) continue;
    if (i + 1 === text.length) return null;
    return { at: i, next: text.charCodeAt(i + 1) === 10 ? i + 2 : i + 1 };
  }
  return null;
};
