import type { TrailEntry, TrailPage } from '@runnel/protocol/http';

const COLUMNS = ['time', 'type', 'conversationId', 'userId', 'runId', 'logId', 'sequence', 'eventId', 'hash', 'data'] as const;

/** RFC 4180; a cell that a spreadsheet would take for a formula gets an apostrophe. */
const cell = (value: string | number | null): string => {
  const text = value === null ? '' : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

export const csvLine = (entry: TrailEntry): string =>
  `${COLUMNS.map((name) => cell(name === 'time' ? new Date(entry.time).toISOString() : entry[name])).join(',')}\r\n`;

type PageAfter = (after: string) => Promise<TrailPage>;

/** The trail from its first page on, page by page: memory stays flat whatever its size, and a reader who leaves ends it. */
async function* pages(first: TrailPage, pageAfter: PageAfter): AsyncGenerator<readonly TrailEntry[]> {
  yield first.events;
  for (let { next } = first; next !== null;) {
    const page = await pageAfter(next);
    yield page.events;
    next = page.next;
  }
}

async function* csv(first: TrailPage, pageAfter: PageAfter): AsyncGenerator<string> {
  yield `${COLUMNS.join(',')}\r\n`;
  for await (const events of pages(first, pageAfter)) yield events.map(csvLine).join('');
}

/** One event a line, `data` as it was hashed: what `docs/audit.md` says of a link can be recomputed from it. */
async function* ndjson(first: TrailPage, pageAfter: PageAfter): AsyncGenerator<string> {
  for await (const events of pages(first, pageAfter)) yield events.map((event) => `${JSON.stringify(event)}\n`).join('');
}

export const EXPORTS = {
  csv: { type: 'text/csv; charset=utf-8', write: csv },
  ndjson: { type: 'application/x-ndjson; charset=utf-8', write: ndjson },
};
