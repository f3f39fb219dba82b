import { RunnelError } from '@runnel/protocol';
import type { AuditReader } from '../context.ts';

export interface AuditClientOptions {
  /** `AUDIT_URL`. */
  url: string;
  /** Deadline of one call with its body: a page of old messages is worth waiting for, a page that hangs is not. */
  deadlineMs?: number;
  fetch?: typeof globalThis.fetch;
}

const down = (cause: unknown): RunnelError =>
  new RunnelError('unavailable', 'Older history cannot be read just now; try again soon.', { cause });

/**
 * The audit service over HTTP. The caller it acts for goes in `x-runnel-user`: the service listens inside the cluster only
 * and trusts its gateways.
 */
export const createAuditClient = ({ url, deadlineMs = 2_000, fetch = globalThis.fetch }: AuditClientOptions): AuditReader => {
  const base = url.endsWith('/') ? url : `${url}/`;
  return {
    async call(path, { method = 'GET', signal, userId } = {}) {
      const deadline = AbortSignal.timeout(deadlineMs);
      try {
        const response = await fetch(new URL(path.replace(/^\//, ''), base), {
          method,
          headers: { accept: 'application/json', ...(userId !== undefined && { 'x-runnel-user': encodeURIComponent(userId) }) },
          signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
        });
        const text = await response.text();
        if (response.status >= 500) throw new Error(`audit answered ${response.status}`);
        return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
      } catch (cause) {
        throw down(cause);
      }
    },
  };
};
