import { RunnelError } from '@runnel/protocol';
import type { AuditReader } from '../context.ts';

export type Query = Record<string, string | number | undefined>;

/**
 * One question to the audit service.
 *
 * @throws RunnelError `unavailable` (there is none, or it is down), `not-found`, `bad-frame`
 */
export const askAudit = async <T>(audit: AuditReader | null, path: string, query: Query, userId: string): Promise<T> => {
  if (audit === null) throw new RunnelError('unavailable', 'There is no audit service here.');
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  const { status, body } = await audit.call(`${path}?${search.toString()}`, { userId });
  if (status === 200) return body as T;
  if (status >= 500) throw new RunnelError('unavailable');
  throw new RunnelError(status === 404 ? 'not-found' : status === 403 ? 'forbidden' : 'bad-frame');
};
