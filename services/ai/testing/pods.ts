import { createMemoryRunLog, type RunLog, type RunRef } from '@runnel/coordination';
import { createMetrics, silentLog, startTracing } from '@runnel/kit';
import { onTestFinished } from 'vitest';
import { createAiMetrics } from '../src/metrics.ts';
import type { ChatProvider } from '../src/models/provider.ts';
import { createModelRegistry, type ModelRegistry } from '../src/models/registry.ts';
import { unknownModel } from '../src/models/unknown.ts';
import { createWorker, type Worker, type WorkerDeps } from '../src/runs/worker.ts';

const standardModels = (): ModelRegistry =>
  createModelRegistry([
    { id: 'demo', provider: 'demo' },
    { id: 'count', provider: 'count' },
  ]);

/** Models of the test's own making, unguarded. */
export const modelsOf = (providers: Record<string, ChatProvider>): ModelRegistry => ({
  list: () => [],
  get: (id) => (providers[id] === undefined ? undefined : { ...unknownModel(), provider: providers[id] }),
  suited: Object.fromEntries(Object.entries(providers).map(([id, { canContinue }]) => [id, canContinue])),
  warmUp: async () => undefined,
  close: async () => undefined,
});

/** A worker with short leases, which drains when the test is over. */
export const startPod = async (
  nodeId: string,
  runLog: RunLog,
  options: Partial<WorkerDeps> = {},
): Promise<Worker & { metricsText(): Promise<string> }> => {
  const metrics = createMetrics('ai', { processMetrics: false });
  const worker = createWorker({
    runLog,
    models: standardModels(),
    nodeId,
    maxRuns: 100,
    leaseMs: 300,
    drainMs: 1000,
    metrics: createAiMetrics(metrics),
    tracer: startTracing({ service: 'ai', node: nodeId }).tracer,
    log: silentLog,
    ...options,
  });
  await worker.start();
  onTestFinished(() => worker.drain());
  return Object.assign(worker, { metricsText: () => metrics.text() });
};

let runs = 0;
/** Begins a run as a gateway does; nobody is told of it. */
export const prompt = async (runLog: RunLog, text: string, { model = 'count', conversationId = 'c' } = {}) => {
  const runId = `run${++runs}`;
  await runLog.beginRun({ conversationId, userId: 'user', runId, model, message: { messageId: `message${runs}`, text }, title: 'title' });
  return { conversationId, runId };
};

export const memoryRunLog = (): RunLog => createMemoryRunLog();

/** What the `count` model says to `count <words>`. */
export const countTo = (words: number): string => Array.from({ length: words }, (_, i) => `w${String(i + 1).padStart(6, '0')}`).join(' ');

export const cancel = (runLog: RunLog, run: RunRef) => runLog.cancelRun({ ...run, userId: 'user' });
