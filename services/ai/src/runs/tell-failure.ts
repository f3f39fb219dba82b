import type { Logger } from '@runnel/kit';
import type { RunnelError } from '@runnel/protocol';
import { ProviderFault } from '../models/provider-fault.ts';

/** Why an answer failed, for the log: what a provider said without keys and prompts, and a bug of ours as one. */
export const tellFailure = (log: Logger, facts: object, { code, message, cause }: RunnelError): void => {
  const provider = cause instanceof ProviderFault ? { status: cause.status, provider: cause.message } : undefined;
  log.warn({ event: 'run.failed', ...facts, code, reason: message, ...provider });
  if (cause instanceof Error && !provider) log.error({ event: 'model.bug', ...facts, err: cause });
};
