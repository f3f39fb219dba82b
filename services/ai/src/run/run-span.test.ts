import { startTracing } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import { expect, test } from 'vitest';
import type { EndedRun } from '../runs/ended-runs.ts';
import type { Claim } from './run-job.ts';
import { startRunSpan } from './run-span.ts';

type SpanExporter = NonNullable<Parameters<typeof startTracing>[0]['exporter']>;
type ReadableSpan = Parameters<SpanExporter['export']>[0][number];

const CALLER = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`;
const claim = { epoch: 2, text: 'Chào', trace: CALLER, run: { runId: 'r1', model: 'big' } } as unknown as Claim;
const ended = {
  finish: 'tools',
  usage: { promptTokens: 7, completionTokens: 9, estimated: true },
  error: undefined,
} as unknown as EndedRun;

/** Spans of what `run` does, by name. */
const spansOf = async (run: (started: ReturnType<typeof startRunSpan>) => void): Promise<Map<string, ReadableSpan>> => {
  const kept: ReadableSpan[] = [];
  const exporter: SpanExporter = { export: (spans, done) => (kept.push(...spans), done({ code: 0 })), shutdown: async () => undefined };
  const { tracer, shutdown } = startTracing({ service: 'ai', node: 'ai-1', exporter });
  run(startRunSpan(tracer, { conversationId: 'c1' }, claim, { id: 'small', provider: 'openai-compatible' }, 'ai-1', {}));
  await shutdown();
  return new Map(kept.map((span) => [span.name, span]));
};

test('a stay has the names that tools for generative AI know, and says at the end what it cost', async () => {
  const spans = await spansOf(({ observer, end }) => {
    observer.firstToken?.(250);
    observer.known?.(ended);
    end('complete');
  });
  expect(spans.get('chat big')!.attributes).toEqual({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'big',
    'gen_ai.request.stream': true,
    'gen_ai.response.time_to_first_chunk': 0.25,
    'gen_ai.response.model': 'small',
    'gen_ai.conversation.id': 'c1',
    'gen_ai.response.finish_reasons': ['tool_call'],
    'gen_ai.usage.input_tokens': 7,
    'gen_ai.usage.output_tokens': 9,
    'runnel.usage.estimated': true,
    'runnel.run': 'r1',
    'runnel.epoch': 2,
    'runnel.node': 'ai-1',
    'runnel.result': 'complete',
  });
  expect(spans.get('chat big')!.spanContext().traceId).toBe('c'.repeat(32));
});

test('a failed answer names its error by the code', async () => {
  const error = new RunnelError('model-failed', 'secret words of a provider');
  const spans = await spansOf(({ observer, end }) => {
    observer.failed?.(error);
    observer.known?.({ ...ended, error: { code: 'model-failed', message: 'secret words of a provider' } });
    end('failed');
  });
  expect(spans.get('chat big')!.attributes['error.type']).toBe('model-failed');
  expect(JSON.stringify(spans.get('chat big')!.attributes)).not.toContain('secret');
});

test('each call of a tool is a span under the stay, and its server is told that span', async () => {
  let told: string | undefined;
  const part = {
    partId: 'p1',
    kind: 'tool',
    state: 'running',
    index: 0,
    at: 0,
    server: 'demo',
    name: 'count',
    attempt: 2,
    input: '{"pin":1234}',
  } as const;
  const spans = await spansOf(({ observer, end }) => {
    const call = observer.calling!(part);
    told = call.trace;
    call.end('timeout');
    end('complete');
  });
  const call = spans.get('execute_tool demo__count')!;
  expect(call.parentSpanContext?.spanId).toBe(spans.get('chat big')!.spanContext().spanId);
  expect(told).toBe(`00-${'c'.repeat(32)}-${call.spanContext().spanId}-01`);
  expect(call.attributes).toEqual({
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'demo__count',
    'gen_ai.tool.type': 'extension',
    'gen_ai.tool.call.id': 'p1',
    'runnel.attempt': 2,
    'error.type': 'timeout',
  });
  expect(call.status.code).toBe(2);
});
