import type { Dashboard } from '../lib/grafana.ts';
import { maxOf, perSecond, quantile, ratio, spread } from '../lib/query.ts';

export const store: Dashboard = {
  uid: 'runnel-store',
  title: 'Log and Redis',
  description: 'The commands of all services to Redis, as they feel them.',
  rows: [
    {
      title: 'Commands',
      panels: [
        {
          kind: 'stat',
          title: 'Without an answer',
          description: 'Part of the commands that Redis did not answer. Above 1 %: runbook StoreFailing.',
          unit: 'percentunit',
          limit: 0.01,
          targets: [
            ratio('runnel_store_command_seconds_count{outcome="unavailable"}', 'runnel_store_command_seconds_count', 'unavailable'),
          ],
        },
        {
          kind: 'timeseries',
          title: 'Command time by service, p99',
          description: 'Above 50 ms every chunk is late: runbook StoreSlow. One service only: its network or its event loop.',
          unit: 's',
          limit: 0.05,
          width: 10,
          targets: [quantile(0.99, 'runnel_store_command_seconds', 'service')],
        },
        {
          kind: 'timeseries',
          title: 'Command time by command, p99',
          description: 'One slow command with the others quick: look at its keys (a very long conversation?).',
          unit: 's',
          limit: 0.05,
          width: 10,
          targets: [quantile(0.99, 'runnel_store_command_seconds', 'command')],
        },
        {
          kind: 'timeseries',
          title: 'Commands',
          description: 'Per second and kind. One Redis core carries about 80,000 appends a second.',
          unit: 'ops',
          width: 12,
          targets: [perSecond('runnel_store_command_seconds_count', 'command')],
        },
        {
          kind: 'timeseries',
          title: 'Outcomes',
          description: 'The words of the scripts (docs/codes.md). unavailable: no answer; fenced, gap, gone: the log at work.',
          unit: 'ops',
          width: 12,
          targets: [perSecond('runnel_store_command_seconds_count', 'outcome')],
        },
      ],
    },
    {
      title: 'Memory',
      panels: [
        {
          kind: 'stat',
          title: 'Full',
          description:
            'Part of its memory limit that Redis holds; of a cluster, the fullest master. Above 85 %: runbook StoreNearlyFull. Empty without a limit.',
          unit: 'percentunit',
          limit: 0.85,
          targets: [{ expr: 'max(runnel_store_memory_bytes / (runnel_store_memory_limit_bytes > 0))', legend: 'full' }],
        },
        {
          kind: 'timeseries',
          title: 'Memory and its limit',
          description:
            'Climbs for a day after a start and then follows the people: conversations live for 24 h. At the limit new prompts are refused.',
          unit: 'bytes',
          width: 16,
          targets: [
            { ...maxOf('runnel_store_memory_bytes', ''), legend: 'held' },
            { ...maxOf('runnel_store_memory_limit_bytes', ''), legend: 'limit' },
          ],
        },
        {
          kind: 'stat',
          title: 'Evicts',
          description: '1: the maxmemory-policy is not noeviction, and a full Redis loses conversations. Runbook StoreEvicts.',
          unit: 'short',
          limit: 1,
          targets: [{ expr: 'max(runnel_store_evicts)', legend: 'evicts' }],
        },
      ],
    },
    {
      title: 'Size of the logs',
      panels: [
        {
          kind: 'timeseries',
          title: 'Events of a conversation',
          description:
            'When an answer ends: half of the conversations have had fewer, and all but one in a hundred. A running answer keeps the newest 512, a finished one its end; who missed more starts with a snapshot.',
          unit: 'short',
          width: 12,
          targets: spread('runnel_ai_log_events'),
        },
        {
          kind: 'timeseries',
          title: 'Bytes appended',
          description: 'Text that the AI pods gave to the logs, per second: what Redis grows by, with 120 bytes or so around each piece.',
          unit: 'Bps',
          width: 12,
          targets: [perSecond('runnel_ai_append_bytes_sum', 'instance')],
        },
      ],
    },
    {
      title: 'What it does to answers',
      panels: [
        {
          kind: 'timeseries',
          title: 'Runs in trouble',
          description: 'Times the store stopped answering a run. Its text waits in memory, for ten minutes at most (P-10).',
          unit: 'ops',
          targets: [perSecond('runnel_ai_store_troubles_total', 'instance')],
        },
        {
          kind: 'timeseries',
          title: 'Restores',
          description: 'Runs written again because Redis came back without them (L-6).',
          unit: 'ops',
          targets: [perSecond('runnel_ai_restores_total', 'outcome')],
        },
        {
          kind: 'timeseries',
          title: 'Ends looked for again',
          description:
            'Redis went back behind answers that had ended: those who ended them look, and write them again as they were (B4). "restored" is an end that the failover had lost.',
          unit: 'ops',
          targets: [perSecond('runnel_ai_end_repairs_total', 'outcome')],
        },
        {
          kind: 'timeseries',
          title: 'Texts handed over',
          description:
            'Redis went back behind a claim while the owner still wrote: it wrote its run again (restored), or gave its text (handed) to a pod that took it, or was refused.',
          unit: 'ops',
          targets: [perSecond('runnel_ai_hand_overs_total', 'outcome')],
        },
        {
          kind: 'timeseries',
          title: 'Ended answers in memory',
          description:
            'What AI pods keep of answers that ended in the last five minutes, for a Redis that goes back behind them. At most 64 MiB a pod.',
          unit: 'bytes',
          targets: [{ expr: 'runnel_ai_ends_kept_bytes', legend: '{{instance}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Polls that found something',
          description: 'The channel lost an event and a look into the log found it: pub/sub is cut or Redis failed over.',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_polls_total{found="true"}', '', 'found')],
        },
      ],
    },
  ],
};
