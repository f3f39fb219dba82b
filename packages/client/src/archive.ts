import type { EndReason, Finish, Message } from '@runnel/protocol';
import type { Api } from './api.ts';
import { createSseParser } from './sse-parser.ts';

export interface Me {
  userId: string;
  /** May read everybody's trail and statistics. */
  admin: boolean;
  /** There is a database behind the gateway: search, replay and the trail can be asked for. */
  audit: boolean;
}

export interface FoundMessage {
  conversationId: string;
  title: string;
  message: Message;
}

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
}

/** A row of the trail; `data` is JSON in which each text is its length and SHA-256. */
export interface TrailEntry {
  eventId: string;
  time: number;
  type: string;
  conversationId: string;
  userId: string | null;
  runId: string | null;
  sequence: number;
  hash: string | null;
  data: string;
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
export interface Verification {
  logs: number;
  events: number;
  texts: number;
  problems: string[];
  root: string;
}
interface Percentiles {
  p50: number | null;
  p95: number | null;
  p99: number | null;
}
export interface RunStatistics {
  from: number;
  model: string;
  runs: number;
  complete: number;
  cancelled: number;
  failed: number;
  interrupted: number;
  /** How the models stopped; absent from an audit service before it. */
  finishes?: Record<Finish, number>;
  takeovers: number;
  inputTokens: number;
  outputTokens: number;
  durationMs: Percentiles;
  firstTextMs: Percentiles;
}

/** What the database behind the gateways tells. Rejects with `unavailable` where there is none, `forbidden` without the scope. */
export interface Archive {
  me(): Promise<Me>;
  /** Newest first; diacritics and case do not matter. */
  search(
    text: string,
    page?: { after?: string; limit?: number },
    signal?: AbortSignal,
  ): Promise<{ found: FoundMessage[]; next: string | null }>;
  replay(runId: string): Promise<Replay>;
  trail(filter: TrailFilter, page?: { after?: string; limit?: number }): Promise<{ events: TrailEntry[]; next: string | null }>;
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
    const event = JSON.parse(data) as Partial<Replay & ReplayPiece & { at: number }>;
    if (event.markers) Object.assign(replay, { startedAt: event.startedAt, markers: event.markers });
    else if (event.text !== undefined) replay.pieces.push({ ms: event.ms!, text: event.text, hole: event.hole === true });
    if (event.ms !== undefined) replay.ms = Math.max(replay.ms, event.ms);
  }
  return replay;
};

export const createArchive = ({ get, open }: Pick<Api, 'get' | 'open'>): Archive => ({
  me: () => get('/api/me'),
  search: (q, page = {}, signal) => get('/api/search', { q, ...page }, signal),
  async replay(runId) {
    const path = `/api/runs/${encodeURIComponent(runId)}/replay`;
    const response = await open(path, { query: { speed: 0 }, accept: 'text/event-stream' });
    return replayOf(await response.text());
  },
  trail(filter, page = {}) {
    const { path, query } = trailCall(filter);
    return get(path, { ...query, ...page });
  },
  async trailFile(filter, format) {
    const { path, query } = trailCall(filter);
    const response = await open(path, { query: { ...query, format }, accept: '*/*' });
    return response.blob();
  },
  verify: (id, asAdmin = false) => get(`/api/${asAdmin ? 'admin/' : ''}conversations/${encodeURIComponent(id)}/verify`),
  statistics: async (query) => (await get<{ statistics: RunStatistics[] }>('/api/admin/analytics', query)).statistics,
});
