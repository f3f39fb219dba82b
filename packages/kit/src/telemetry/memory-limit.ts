import type { Metrics } from '../metrics.ts';

/** Node says so where no cgroup bounds the process: some 2^64. */
const NO_LIMIT = 2 ** 53;

/** What the kernel lets this process have, in bytes; 0: nothing bounds it but the machine. */
export const memoryLimit = (constrained = process.constrainedMemory()): number => (constrained < NO_LIMIT ? constrained : 0);

/** The resident memory stands beside it (`runnel_process_resident_memory_bytes`): at the limit the kernel kills the process. */
export const showMemoryLimit = (metrics: Metrics, read: () => number = memoryLimit): void =>
  metrics.sampled(metrics.gauge('runnel_process_memory_limit_bytes', 'Memory that the kernel lets this process have; 0: no limit'), read);
