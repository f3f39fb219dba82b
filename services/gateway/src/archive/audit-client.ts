import { callInner, type InnerToken } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';

/** Reads what is older than the store keeps: the audit service over HTTP, or in-process in standalone. Any path of its API. */
export interface AuditClient {
  /** Resolves to the parsed JSON body and the status; rejects with `unavailable`. */
  call(
    path: string,
    options?: { method?: 'GET' | 'DELETE' | 'POST'; body?: object; signal?: AbortSignal; userId?: string },
  ): Promise<{ status: number; body: unknown }>;
}

export interface AuditClientOptions {
  /** `AUDIT_URL`. */
  url: string;
  token: InnerToken;
  /** Deadline of one call with its body: a page of old messages is worth waiting for, a page that hangs is not. */
  deadlineMs?: number;
  fetch?: typeof globalThis.fetch;
}

const down = (cause: unknown): RunnelError =>
  new RunnelError('unavailable', 'Older history cannot be read just now; try again soon.', { cause });

/**
 * The audit service over HTTP. The caller it acts for goes in `x-runnel-user`: the service believes whoever shows the
 * token between the services.
 */
export const createAuditClient = ({ url, token, deadlineMs = 2_000, fetch = globalThis.fetch }: AuditClientOptions): AuditClient => {
  const base = url.endsWith('/') ? url : `${url}/`;
  return {
    async call(path, { method = 'GET', body, signal, userId } = {}) {
      const deadline = AbortSignal.timeout(deadlineMs);
      try {
        const until = signal ? AbortSignal.any([signal, deadline]) : deadline;
        const caller = userId !== undefined && { 'x-runnel-user': encodeURIComponent(userId) };
        const response = await callInner(token, (headers) =>
          fetch(new URL(path.replace(/^\//, ''), base), {
            method,
            headers: { accept: 'application/json', ...(body && { 'content-type': 'application/json' }), ...caller, ...headers },
            ...(body && { body: JSON.stringify(body) }),
            signal: until,
          }),
        );
        const text = await response.text();
        // A refused token is ours to mend, not the caller's.
        if (response.status >= 500 || response.status === 401) throw new Error(`audit answered ${response.status}`);
        return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
      } catch (cause) {
        throw down(cause);
      }
    },
  };
};
