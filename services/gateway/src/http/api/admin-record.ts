import { RunnelError } from '@runnel/protocol';
import type { AdminAct } from '@runnel/protocol/http';
import type { GatewayContext } from '../../context.ts';

/** What the log says of each act of the trail. */
const EVENTS = {
  ADMIN_READ: { event: 'admin.reads' },
  USER_ERASED: { event: 'admin.erases' },
  KEY_MADE: { event: 'key.made' },
  KEY_ENDED: { event: 'key.ended' },
  SIGNED_IN: { event: 'session.begun' },
  SIGNED_OUT: { event: 'session.ended' },
} as const satisfies Record<AdminAct['type'], { event: string }>;

/**
 * Puts what an admin, or somebody about their own keys and sessions, does into the trail with their name, and into the log.
 *
 * @throws RunnelError `unavailable`; `forbidden` where it is held
 */
export const recordAct = async ({ audit, log }: Pick<GatewayContext, 'audit' | 'log'>, act: AdminAct): Promise<void> => {
  log.info({ ...EVENTS[act.type], ...act });
  // Without a trail there is none to read, and an erasure is in the log alone.
  if (audit === null) return;
  const { status } = await audit.call('/trail', { method: 'POST', body: act, userId: act.admin });
  if (status === 409) throw new RunnelError('forbidden', 'A legal hold keeps what is of this person: it must be ended first.');
  if (status !== 204) throw new RunnelError('unavailable', 'This cannot be recorded now, so it is not done.');
};
