import type { Row } from '../lib/grafana.ts';
import { maxOf, perSecond } from '../lib/query.ts';

/** What every Node process shows, for one service. */
export const processRow = (service: string): Row => ({
  title: 'Processes',
  panels: [
    {
      kind: 'timeseries',
      title: 'Event loop lag, p99',
      description: 'How late the process is for everything it does. Above 100 ms: runbook EventLoopBlocked.',
      unit: 's',
      limit: 0.1,
      targets: [maxOf(`runnel_nodejs_eventloop_lag_p99_seconds{service="${service}"}`)],
    },
    {
      kind: 'timeseries',
      title: 'CPU',
      description: 'Cores used. One process uses about one core; at 0.8 scale out.',
      unit: 'short',
      limit: 0.8,
      targets: [perSecond(`runnel_process_cpu_seconds_total{service="${service}"}`, 'instance')],
    },
    {
      kind: 'timeseries',
      title: 'Memory',
      description:
        'Resident memory, the heap in use, and what the container may hold (0: no limit; runbook MemoryNearlyFull). A heap that only climbs is a leak.',
      unit: 'bytes',
      targets: [
        { ...maxOf(`runnel_process_resident_memory_bytes{service="${service}"}`), legend: 'resident {{instance}}' },
        { ...maxOf(`runnel_nodejs_heap_size_used_bytes{service="${service}"}`), legend: 'heap {{instance}}' },
        { ...maxOf(`runnel_process_memory_limit_bytes{service="${service}"}`), legend: 'limit {{instance}}' },
      ],
    },
    {
      kind: 'timeseries',
      title: 'Garbage collection',
      description: 'Part of the time spent collecting, by kind. Above a tenth the process is short of memory.',
      unit: 'percentunit',
      limit: 0.1,
      targets: [perSecond(`runnel_nodejs_gc_duration_seconds_sum{service="${service}"}`, 'kind')],
    },
  ],
});
