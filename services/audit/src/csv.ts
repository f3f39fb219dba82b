import { setImmediate } from 'node:timers/promises';
import type { Trail, TrailEntry, TrailQuery } from './trail.ts';

const COLUMNS = ['time', 'type', 'conversationId', 'userId', 'runId', 'logId', 'sequence', 'eventId', 'hash', 'data'] as const;

/** RFC 4180; a cell that a spreadsheet would take for a formula gets an apostrophe. */
const cell = (value: unknown): string => {
  const text = value === null || value === undefined ? '' : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

const line = (entry: TrailEntry): string =>
  `${COLUMNS.map((name) => cell(name === 'time' ? new Date(entry.time).toISOString() : entry[name])).join(',')}\r\n`;

/** The whole trail of a query, page by page: memory stays flat whatever its size. */
export async function* csvOf(trail: Trail, query: Omit<TrailQuery, 'limit'>): AsyncGenerator<string> {
  yield `${COLUMNS.join(',')}\r\n`;
  for (let after = query.after; ;) {
    const { events, next } = await trail.page({ ...query, limit: 1_000, ...(after !== undefined && { after }) });
    yield events.map(line).join('');
    if (next === null) return;
    after = next;
    await setImmediate();
  }
}
