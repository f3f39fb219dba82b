import { callInner, type InnerToken } from '@runnel/kit';
import { parseBody, StoredPage } from '@runnel/protocol/http';

export interface AuditDoor {
  /** `AUDIT_URL`. */
  url: string;
  token: InnerToken;
  fetch?: typeof globalThis.fetch;
}

/** The newest page of a conversation and what waits in it, as its owner asks for them; a number: the status of a refusal. */
export type AskAudit = (
  asked: { conversationId: string; userId: string; limit: number },
  patienceMs: number,
) => Promise<StoredPage | number>;

/** @throws what `fetch` throws, or on an answer of another shape */
export const createAskAudit = ({ url: given, token, fetch = globalThis.fetch }: AuditDoor): AskAudit => {
  const base = given.endsWith('/') ? given : `${given}/`;
  return async ({ conversationId, userId, limit }, patienceMs) => {
    const url = new URL(`history/${conversationId}?limit=${limit}&parked=1`, base);
    const caller = { accept: 'application/json', 'x-runnel-user': encodeURIComponent(userId) };
    const signal = AbortSignal.timeout(Math.max(1, Math.round(patienceMs)));
    const response = await callInner(token, (headers) => fetch(url, { headers: { ...caller, ...headers }, signal }));
    const text = await response.text();
    return response.status === 200 ? parseBody(StoredPage, JSON.parse(text) as unknown) : response.status;
  };
};
