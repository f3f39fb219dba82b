import { runLogContract } from './run-log.contract.ts';
import { waitFor } from './testing/wait.ts';
import { MemoryStore } from './memory-store.ts';
import { createMemoryRunLog } from './run-log-memory.ts';

runLogContract('memory', async () => {
  const store = new MemoryStore(Date.now, 20_000);
  const log = createMemoryRunLog({ store });
  const changeStore = async (): Promise<void> => {
    store.raise();
    // What begins in the same millisecond counts as begun before.
    await waitFor(() => Date.now() > store.generation.since);
  };
  return { log, other: log, changeStore, close: () => log.close() };
});
