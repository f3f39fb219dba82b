/** A row of the trail, as the audit service tells it. */
export interface TrailEntry {
  time: number;
  type: string;
  conversationId: string;
  userId: string | null;
  runId: string | null;
  logId: string;
  sequence: number;
  eventId: string;
  hash: string | null;
  /** JSON. */
  data: string;
}

export interface TrailPage {
  events: TrailEntry[];
  next: string | null;
}

const COLUMNS = ['time', 'type', 'conversationId', 'userId', 'runId', 'logId', 'sequence', 'eventId', 'hash', 'data'] as const;

/** RFC 4180; a cell that a spreadsheet would take for a formula gets an apostrophe. */
const cell = (value: string | number | null): string => {
  const text = value === null ? '' : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

export const csvLine = (entry: TrailEntry): string =>
  `${COLUMNS.map((name) => cell(name === 'time' ? new Date(entry.time).toISOString() : entry[name])).join(',')}\r\n`;

/** The whole trail from a page on, page by page: memory stays flat whatever its size. */
export async function* csvOf(pageAfter: (after: string | undefined) => Promise<TrailPage>): AsyncGenerator<string> {
  yield `${COLUMNS.join(',')}\r\n`;
  for (let after: string | undefined; ;) {
    const { events, next } = await pageAfter(after);
    yield events.map(csvLine).join('');
    if (next === null) return;
    after = next;
  }
}
