import type { Logger } from '@runnel/kit';
import type { RunnelError } from '@runnel/protocol';
import { ProviderFault } from '../models/provider-fault.ts';
import type { RunObserver } from '../run/run-job.ts';

/** A failure by its code, and what its provider said of it, scrubbed. */
export const reasonOf = ({ code, message, cause }: RunnelError) => ({
  ...{ code, reason: message },
  ...(cause instanceof ProviderFault && { status: cause.status, provider: cause.message }),
});

/** What of a run goes to the log: codes and the provider's scrubbed words, no texts. */
export const runLogLines = (
  log: Logger,
  facts: Readonly<Record<string, unknown>>,
  counted: RunObserver = {},
): Required<Pick<RunObserver, 'lost' | 'failed' | 'rerouted'>> => ({
  lost: (err) => log.error({ event: 'run.lost', ...facts, err }),
  failed: (error) => {
    counted.failed?.(error);
    log.warn({ event: 'run.failed', ...facts, ...reasonOf(error) });
    if (error.cause instanceof Error && !(error.cause instanceof ProviderFault))
      log.error({ event: 'model.bug', ...facts, err: error.cause });
  },
  rerouted: (error, to) => {
    counted.rerouted?.(error, to);
    log.warn({ event: 'run.rerouted', ...facts, to, ...reasonOf(error) });
  },
});
