import { runLogContract } from '../../test/run-log.contract.ts';
import { waitFor } from '../../testing/wait.ts';
import { MemoryStore } from './store.ts';
import type { RunRef } from '../run-ref.ts';
import { createMemoryRunLog } from './run-log.ts';

runLogContract('memory', async () => {
  const store = new MemoryStore(Date.now, 20_000);
  const log = createMemoryRunLog({ store });
  const changeStore = async (): Promise<void> => {
    store.raise();
    // What begins in the same millisecond counts as begun before.
    await waitFor(() => Date.now() > store.generation.since);
  };
  const jump = async (ms: number, runs: readonly RunRef[]): Promise<void> => {
    for (const { conversationId, runId } of runs) {
      const run = store.runOf(conversationId, runId)!;
      run.expires -= ms;
      if (run.copied) run.copied.at -= ms;
    }
  };
  return { log, other: log, changeStore, jump, close: () => log.close() };
});
