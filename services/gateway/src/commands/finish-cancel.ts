import { hash } from 'node:crypto';
import { delay, fullJitter, type Logger } from '@runnel/kit';
import type { RunRef, RunWriter, ConversationReader } from '@runnel/coordination';
import { closePart, isTransient } from '@runnel/protocol';
import type { GatewayMetrics } from '../metrics.ts';
import type { Hub } from '../follow/hub.ts';

/** The owner ends its run by itself within this time, with usage; then it is the gateway's turn. */
export const OWNER_GRACE_MS = 100;
/** After the end was written, the channel has this long to bring it to the followers here before they read. */
const ECHO_MS = 30;
const TRIES = 4;

export interface CancelFinisherDeps {
  runLog: RunWriter & ConversationReader;
  hub: Pick<Hub, 'sawEnd' | 'poke'>;
  metrics: Pick<GatewayMetrics, 'cancels' | 'cancelSeconds'>;
  log: Logger;
}

/**
 * Sees to it that a cancelled run ends, whoever is alive (P-5): with its owner dead, unreachable or never there, and with
 * pub/sub cut. The text is frozen by the cancel flag, so what is read is what the run ends with.
 *
 * @param seen resolves true when `run-ended` came by itself
 */
export const finishCancel = async (deps: CancelFinisherDeps, run: RunRef, owned: boolean, seen: Promise<boolean>): Promise<void> => {
  const { hub, metrics, log } = deps;
  const stop = metrics.cancelSeconds.startTimer();
  const ended = (by: 'owner' | 'gateway'): void => {
    stop();
    metrics.cancels.inc({ by });
  };
  if (owned && (await seen)) return ended('owner');
  for (let attempt = 0; attempt < TRIES; attempt++) {
    try {
      const echo = hub.sawEnd(run.conversationId, run.runId, ECHO_MS);
      const by = await endFrozen(deps.runLog, run);
      if (by === 'again') continue;
      ended(by);
      if (!(await echo)) hub.poke(run.conversationId);
      return;
    } catch (err) {
      if (!isTransient(err)) {
        log.error({ event: 'cancel.failed', runId: run.runId, err });
        break;
      }
      log.warn({ event: 'cancel.retry', runId: run.runId, attempt, err });
      await delay(50 + fullJitter({ attempt, baseMs: 200, maxMs: 2000 }));
    }
  }
  // A sweeper that claims the run finds the flag and ends it.
  metrics.cancels.inc({ by: 'nobody' });
};

const endFrozen = async (
  runLog: RunWriter & ConversationReader,
  { conversationId, runId }: RunRef,
): Promise<'gateway' | 'owner' | 'again'> => {
  const state = await runLog.readState({ conversationId });
  if (state.kind !== 'snapshot' || state.run?.runId !== runId) return 'owner';
  const { text, parts = [] } = state.run;
  const now = Date.now();
  const result = await runLog.endRun({
    conversationId,
    runId,
    epoch: null,
    reason: 'cancelled',
    bytes: Buffer.byteLength(text),
    sha256: hash('sha256', text, 'hex'),
    ...(parts.length > 0 && { parts: parts.map((part) => ({ from: part.state, part: closePart(part, 'cancelled', now) })) }),
  });
  if (result.outcome === 'gap' || result.outcome === 'changed') return 'again';
  return result.outcome === 'ended' ? 'gateway' : 'owner';
};
