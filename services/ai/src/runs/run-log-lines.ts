import type { Logger } from '@runnel/kit';
import { ProviderFault } from '../models/provider-fault.ts';
import type { RunObserver } from '../run/generate.ts';

/** What of a run goes to the log: codes and the provider's scrubbed words, no texts. */
export const runLogLines = (
  log: Logger,
  facts: Readonly<Record<string, unknown>>,
  counted: RunObserver = {},
): Required<Pick<RunObserver, 'lost' | 'failed' | 'rerouted'>> => ({
  lost: (err) => log.error({ event: 'run.lost', ...facts, err }),
  failed: (error) => {
    counted.failed?.(error);
    const { code, message, cause } = error;
    const provider = cause instanceof ProviderFault ? { status: cause.status, provider: cause.message } : undefined;
    log.warn({ event: 'run.failed', ...facts, code, reason: message, ...provider });
    if (cause instanceof Error && !provider) log.error({ event: 'model.bug', ...facts, err: cause });
  },
  rerouted: (error, to) => {
    counted.rerouted?.(error, to);
    const { code, message, cause } = error;
    const provider = cause instanceof ProviderFault ? { status: cause.status, provider: cause.message } : undefined;
    log.warn({ event: 'run.rerouted', ...facts, to, code, reason: message, ...provider });
  },
});
