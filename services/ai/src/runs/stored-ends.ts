import { storedEnd } from '@runnel/coordination';
import { callInner, withDeadline, type InnerToken } from '@runnel/kit';
import { parseBody, StoredPage } from '@runnel/protocol/http';
import type { Archive } from './end-witness.ts';
import type { EndedRun } from './ended-runs.ts';

export interface StoredEndsOptions {
  /** `AUDIT_URL`. */
  url: string;
  token: InnerToken;
  /** How long a claimed run waits for the answer; its lease must live on. */
  patienceMs?: number;
  fetch?: typeof globalThis.fetch;
}

/** An end that nobody tells of in this time is taken for unknown. */
export const PATIENCE_MS = 1_000;
/** The newest page of a conversation, in which the answer that ran last is. */
const NEWEST = 200;

/** Asks the audit service, once, whether a claimed run has ended. What cannot be asked or read is no end. */
export const createStoredEnds = (options: StoredEndsOptions): Archive => {
  const { token, patienceMs = PATIENCE_MS, fetch = globalThis.fetch } = options;
  const base = options.url.endsWith('/') ? options.url : `${options.url}/`;
  const ask: Archive = async ({ conversationId }, { userId, title, epoch, run }) => {
    const url = new URL(`history/${conversationId}?limit=${NEWEST}`, base);
    const caller = { accept: 'application/json', 'x-runnel-user': encodeURIComponent(userId) };
    const signal = AbortSignal.timeout(Math.max(1, Math.round(patienceMs)));
    const response = await callInner(token, (headers) => fetch(url, { headers: { ...caller, ...headers }, signal }));
    const text = await response.text();
    if (response.status !== 200) return null;
    const { messages } = parseBody(StoredPage, JSON.parse(text) as unknown);
    return storedEnd({ conversationId, userId, title, epoch, run }, messages);
  };
  // The token may have to be asked for as well.
  return (run, claim) => withDeadline<EndedRun | null>(ask(run, claim), patienceMs, () => null).catch(() => null);
};
