import type { Static, TSchema } from 'typebox';
import { RunnelError } from '@runnel/protocol';
import { parseBody } from '@runnel/protocol/http';
import type { AuditClient } from './audit-client.ts';

/**
 * A body that the audit service sent with 200.
 *
 * @throws RunnelError `unavailable`, whose cause names the field: the two are of releases that do not know each other
 */
export const readAudit = <T extends TSchema>(schema: T, body: unknown): Static<T> => {
  try {
    return parseBody(schema, body);
  } catch (cause) {
    throw new RunnelError('unavailable', 'The audit service gave an answer of another shape.', { cause });
  }
};

export type Query = Record<string, string | number | undefined>;

/**
 * One question to the audit service.
 *
 * @throws RunnelError `unavailable` (there is none, or it is down), `not-found`, `bad-frame`
 */
export const askAudit = async <T extends TSchema>(
  audit: AuditClient | null,
  schema: T,
  path: string,
  query: Query,
  userId: string,
): Promise<Static<T>> => {
  if (audit === null) throw new RunnelError('unavailable', 'There is no audit service here.');
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  const { status, body } = await audit.call(`${path}?${search.toString()}`, { userId });
  if (status === 200) return readAudit(schema, body);
  if (status >= 500) throw new RunnelError('unavailable');
  throw new RunnelError(status === 404 ? 'not-found' : status === 403 ? 'forbidden' : 'bad-frame');
};
