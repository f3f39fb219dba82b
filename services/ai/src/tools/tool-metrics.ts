import { LATENCY_BUCKETS_SECONDS, startAtZero, type Metrics } from '@runnel/kit';
import type { BreakerWord, ToolObserver } from './mcp-server.ts';
import type { CallFault } from './toolbox.ts';

const OUTCOMES = ['done', 'asks', 'timeout', 'too-long', 'tool-error', 'unavailable', 'unknown-tool', 'cancelled'] as const satisfies (
  | CallFault
  | 'done'
  | 'asks'
)[];
const LISTS = ['listed', 'failed'] as const;
const BREAKER: Readonly<Record<BreakerWord, number>> = { closed: 0, 'half-open': 0.5, open: 1 };
const SECONDS = [...LATENCY_BUCKETS_SECONDS.filter((seconds) => seconds >= 0.005), 30, 60, 300];

/** What tools did, by server; the servers of this pod are known from the start. */
export const createToolMetrics = (metrics: Metrics) => {
  const calls = metrics.counter('runnel_ai_tool_calls_total', 'Calls of tools, by server and outcome', ['server', 'outcome']);
  const seconds = metrics.histogram('runnel_ai_tool_call_seconds', 'One call of a tool, with its connection', SECONDS, ['server']);
  const lists = metrics.counter('runnel_ai_tool_lists_total', 'Times a server was asked for its tools, by outcome', ['server', 'outcome']);
  const tools = metrics.gauge('runnel_ai_tools', 'Tools that a server offers now', ['server']);
  const breaker = metrics.gauge('runnel_ai_tool_breaker', '1 while calls to a server are refused at once, 0.5 while one may try', [
    'server',
  ]);
  return (servers: readonly string[]): ToolObserver => {
    startAtZero(calls, { server: servers, outcome: OUTCOMES });
    startAtZero(lists, { server: servers, outcome: LISTS });
    for (const server of servers) {
      tools.set({ server }, 0);
      breaker.set({ server }, 0);
    }
    return {
      listed(server, outcome, count) {
        lists.inc({ server, outcome });
        tools.set({ server }, count);
      },
      called(server, outcome, ms) {
        calls.inc({ server, outcome });
        seconds.observe({ server }, ms / 1000);
      },
      breaker: (server, state) => breaker.set({ server }, BREAKER[state]),
    };
  };
};
