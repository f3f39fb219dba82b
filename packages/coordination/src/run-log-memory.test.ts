import { runLogContract } from './run-log.contract.ts';
import { createMemoryRunLog } from './run-log-memory.ts';

runLogContract('memory', async () => {
  const log = createMemoryRunLog();
  return { log, other: log, close: () => log.close() };
});
