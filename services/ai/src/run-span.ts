import { contextOf, type Tracer } from '@runnel/kit';
import type { Claim, RunObserver, RunResult } from './generate.ts';

/** One span for a run's stay on this pod, under the trace of the prompt. Ids are fit for traces; texts are not. */
export const startRunSpan = (
  tracer: Tracer,
  claim: Claim,
  node: string,
  inner: RunObserver,
): { observer: RunObserver; end(result: RunResult): void } => {
  const attributes = { 'runnel.run': claim.run.runId, 'runnel.epoch': claim.epoch, 'runnel.model': claim.run.model, 'runnel.node': node };
  const span = tracer.startSpan('runnel.run', { attributes }, contextOf(claim.trace));
  return {
    observer: {
      ...inner,
      firstToken(ms) {
        span.addEvent('first-token', { ms });
        inner.firstToken?.(ms);
      },
      restored(outcome) {
        span.addEvent('restored', { outcome });
        inner.restored?.(outcome);
      },
      failed(error) {
        span.addEvent('model-failed', { code: error.code });
        inner.failed?.(error);
      },
    },
    end(result) {
      span.setAttribute('runnel.result', result);
      span.end();
    },
  };
};
