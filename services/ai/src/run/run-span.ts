import { contextOf, SpanKind, SpanStatusCode, traceparentOf, type Tracer } from '@runnel/kit';
import type { Finish, Part } from '@runnel/protocol';
import type { ModelInfo } from '@runnel/protocol/http';
import type { RunRef } from '@runnel/coordination';
import type { EndedRun } from '../runs/ended-runs.ts';
import type { CallSpan } from '../tools/toolbox.ts';
import type { Claim, RunObserver, RunResult } from './run-job.ts';

// Names of OpenTelemetry's conventions for generative AI (gen_ai.*): what their tools draw chats, tokens and tool calls from.

/** Our words for providers, in theirs. */
const PROVIDERS: Record<string, string> = { 'openai-compatible': 'openai' };

/** Our words for ends, in theirs. */
const FINISHES: Partial<Record<Finish, string>> = { filter: 'content_filter', tools: 'tool_call' };

/** What the end of the whole run says of it. */
const endAttributes = ({ finish, usage, error }: EndedRun) => ({
  ...(finish && { 'gen_ai.response.finish_reasons': [FINISHES[finish] ?? finish] }),
  ...(usage && { 'gen_ai.usage.input_tokens': usage.promptTokens, 'gen_ai.usage.output_tokens': usage.completionTokens }),
  ...(usage?.estimated && { 'runnel.usage.estimated': true }),
  ...(error && { 'error.type': error.code }),
});

/**
 * One span for a run's stay on this pod, under the trace of the prompt, and one under it for each call of a tool. Ids, counts and the
 * names of the pod's own models and tools are fit for traces; texts and arguments are not.
 */
export const startRunSpan = (
  tracer: Tracer,
  { conversationId }: Pick<RunRef, 'conversationId'>,
  claim: Claim,
  model: Pick<ModelInfo, 'id' | 'provider'>,
  node: string,
  inner: RunObserver,
): { observer: RunObserver; trace: string | undefined; end(result: RunResult): void } => {
  const attributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': PROVIDERS[model.provider] ?? model.provider,
    'gen_ai.request.model': claim.run.model,
    'gen_ai.request.stream': true,
    'gen_ai.response.model': model.id,
    'gen_ai.conversation.id': conversationId,
    'runnel.run': claim.run.runId,
    'runnel.epoch': claim.epoch,
    'runnel.node': node,
  };
  const span = tracer.startSpan(`chat ${claim.run.model}`, { kind: SpanKind.CLIENT, attributes }, contextOf(claim.trace));
  if (claim.epoch > 1) span.addEvent('taken-over', { bytes: Buffer.byteLength(claim.text) });
  const trace = traceparentOf(span);
  return {
    trace,
    observer: {
      ...inner,
      firstToken(ms) {
        span.addEvent('first-token', { ms });
        span.setAttribute('gen_ai.response.time_to_first_chunk', ms / 1000);
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
      known(end) {
        span.setAttributes(endAttributes(end));
        inner.known?.(end);
      },
      calling: (part) => startCallSpan(tracer, part, trace),
    },
    end(result) {
      if (result === 'failed') span.setStatus({ code: SpanStatusCode.ERROR });
      if (result === 'cancelled') span.addEvent('cancelled');
      span.setAttribute('runnel.result', result);
      span.end();
    },
  };
};

const startCallSpan = (tracer: Tracer, part: Part, trace: string | undefined): CallSpan => {
  const name = `${part.server}__${part.name}`;
  const attributes = {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': name,
    'gen_ai.tool.type': 'extension',
    'gen_ai.tool.call.id': part.partId,
    'runnel.attempt': part.attempt ?? 1,
  };
  const span = tracer.startSpan(`execute_tool ${name}`, { kind: SpanKind.CLIENT, attributes }, contextOf(trace));
  return {
    trace: traceparentOf(span),
    end(code) {
      if (code !== null) span.setAttribute('error.type', code).setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
};
