import type { EndReason, Part } from '@runnel/protocol';
import type { FoundMessage, Me, RunStatistics, SearchPage, TrailEntry, TrailPage, Verification } from '@runnel/protocol/http';
import type { Api } from './api.ts';
import { createSseParser } from '../transport/sse-parser.ts';

export type { FoundMessage, Me, RunStatistics, TrailEntry, Verification };

/** A piece of an answer: `text` came `ms` after the run began. `hole`: nobody noted when, but not later than that. */
export interface ReplayPiece {
  ms: number;
  text: string;
  hole: boolean;
}
export interface ReplayMarker {
  ms: number;
  what: 'takeover' | 'restored' | 'cancel' | 'end';
  owner?: string;
  reason?: EndReason;
}
export interface Replay {
  startedAt: number;
  /** Length in ms. */
  ms: number;
  pieces: ReplayPiece[];
  markers: ReplayMarker[];
  /** Each part each time its state changed, with its content the last time; absent without parts. */
  parts?: { ms: number; part: Part }[];
}

export interface TrailFilter {
  conversationId?: string;
  /** Others than oneself need the admin scope, as does no conversation and no user. */
  userId?: string;
  /** Ask as an admin: everybody's. */
  all?: boolean;
  /** ms, inclusive and exclusive. */
  from?: number;
  to?: number;
}
/** What the database behind the gateways tells. Rejects with `unavailable` where there is none, `forbidden` without the scope. */
export interface Archive {
  me(): Promise<Me>;
  /** Newest first; diacritics and case do not matter. */
  search(text: string, page?: { after?: string; limit?: number }, signal?: AbortSignal): Promise<SearchPage>;
  replay(runId: string): Promise<Replay>;
  trail(filter: TrailFilter, page?: { after?: string; limit?: number }): Promise<TrailPage>;
  /** All of it as a file. */
  trailFile(filter: TrailFilter, format: 'csv' | 'ndjson'): Promise<Blob>;
  verify(conversationId: string, asAdmin?: boolean): Promise<Verification>;
  statistics(query: { from: number; to: number; bucket?: number }): Promise<RunStatistics[]>;
}

type Call = { path: string; query: Record<string, string | number | undefined> };

const trailCall = ({ conversationId, userId, all = false, from, to }: TrailFilter): Call => {
  if (all) return { path: '/api/admin/trail', query: { conversation: conversationId, user: userId, from, to } };
  const path = conversationId === undefined ? '/api/trail' : `/api/conversations/${encodeURIComponent(conversationId)}/trail`;
  return { path, query: { from, to } };
};

/** The events of a replay (`speed=0`, so all at once) as one object. Pure. */
export const replayOf = (stream: string): Replay => {
  const replay: Replay = { startedAt: 0, ms: 0, pieces: [], markers: [] };
  for (const { data } of createSseParser()(stream)) {
    const event = JSON.parse(data) as Partial<Omit<Replay, 'parts'> & ReplayPiece & { at: number; part: Part }>;
    if (event.markers) Object.assign(replay, { startedAt: event.startedAt, markers: event.markers });
    else if (event.text !== undefined) replay.pieces.push({ ms: event.ms!, text: event.text, hole: event.hole === true });
    else if (event.part) (replay.parts ??= []).push({ ms: event.ms!, part: event.part });
    if (event.ms !== undefined) replay.ms = Math.max(replay.ms, event.ms);
  }
  return replay;
};

export const createArchive = ({ get, open }: Pick<Api, 'get' | 'open'>): Archive => ({
  me: () => get('/api/me', { userId: 'string', admin: 'boolean', audit: 'boolean' }),
  search: (q, page = {}, signal) => get('/api/search', { found: 'array' }, { q, ...page }, signal),
  async replay(runId) {
    const path = `/api/runs/${encodeURIComponent(runId)}/replay`;
    const response = await open(path, { query: { speed: 0 }, accept: 'text/event-stream' });
    return replayOf(await response.text());
  },
  trail(filter, page = {}) {
    const { path, query } = trailCall(filter);
    return get(path, { events: 'array' }, { ...query, ...page });
  },
  async trailFile(filter, format) {
    const { path, query } = trailCall(filter);
    const response = await open(path, { query: { ...query, format }, accept: '*/*' });
    return response.blob();
  },
  verify: (id, asAdmin = false) =>
    get(`/api/${asAdmin ? 'admin/' : ''}conversations/${encodeURIComponent(id)}/verify`, {
      ...({ logs: 'number', events: 'number', texts: 'number', problems: 'array', root: 'string' } as const),
    }),
  statistics: async (query) =>
    (await get<{ statistics: RunStatistics[] }>('/api/admin/analytics', { statistics: 'array' }, query)).statistics,
});
