import { contextOf, SpanStatusCode, traceparentOf, type Tracer } from '@runnel/kit';
import type { Claim, RunObserver, RunResult } from './generate.ts';

/** One span for a run's stay on this pod, under the trace of the prompt. Ids are fit for traces; texts are not. */
export const startRunSpan = (
  tracer: Tracer,
  claim: Claim,
  node: string,
  inner: RunObserver,
): { observer: RunObserver; trace: string | undefined; end(result: RunResult): void } => {
  const attributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': claim.run.model,
    'runnel.run': claim.run.runId,
    'runnel.epoch': claim.epoch,
    'runnel.node': node,
  };
  const span = tracer.startSpan('runnel.run', { attributes }, contextOf(claim.trace));
  if (claim.epoch > 1) span.addEvent('taken-over', { bytes: Buffer.byteLength(claim.text) });
  return {
    trace: traceparentOf(span),
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
      rerouted(error, to) {
        span.addEvent('rerouted', { code: error.code, to });
        inner.rerouted?.(error, to);
      },
      failed(error) {
        span.addEvent('model-failed', { code: error.code });
        inner.failed?.(error);
      },
    },
    end(result) {
      if (result === 'failed') span.setStatus({ code: SpanStatusCode.ERROR });
      if (result === 'cancelled') span.addEvent('cancelled');
      span.setAttribute('runnel.result', result);
      span.end();
    },
  };
};
