import type { FastifyInstance } from 'fastify';
import { onClose } from '@runnel/kit';
import type { UnsentBudget, Waiter } from '../../budgets/unsent.ts';

/** Smaller ones are not worth a look. */
const LARGE_BYTES = 64 * 1024;

/** A large answer is held until its reader has taken it, so it counts for the bound of the node as what waits for a socket does. */
export const registerLargeResponses = (app: FastifyInstance, unsent: UnsentBudget): void => {
  app.addHook('onSend', async (_request, reply, payload) => {
    if ((typeof payload !== 'string' && !Buffer.isBuffer(payload)) || payload.length < LARGE_BYTES) return;
    const { raw } = reply;
    const sendAway = (): void => void raw.destroy();
    const waiter: Waiter = { unsent: Buffer.byteLength(payload), slow: sendAway, cut: sendAway };
    const gone = (): void => unsent.caughtUp(waiter);
    raw.once('finish', gone);
    if (raw.destroyed) return;
    onClose(raw, gone);
    unsent.behind(waiter);
    unsent.check();
  });
};
