import { RunnelError } from '@runnel/protocol';
import type { AdminAct } from '@runnel/protocol/http';
import type { GatewayContext } from '../../context.ts';

/**
 * Puts what an admin is about to do into the trail, with their name, and into the log. What cannot be recorded is not done.
 *
 * @throws RunnelError `unavailable`
 */
export const recordAdminAct = async ({ audit, log }: Pick<GatewayContext, 'audit' | 'log'>, act: AdminAct): Promise<void> => {
  log.info({ event: act.type === 'USER_ERASED' ? 'admin.erases' : 'admin.reads', ...act });
  // Without a trail there is none to read, and an erasure is in the log alone.
  if (audit === null) return;
  const { status } = await audit.call('/trail', { method: 'POST', body: act, userId: act.admin });
  if (status !== 204) throw new RunnelError('unavailable', 'This cannot be recorded now, so it is not done.');
};
