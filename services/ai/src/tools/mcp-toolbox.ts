import { silentLog, type Logger } from '@runnel/kit';
import { systemClock, type Clock } from '../runs/clock.ts';
import { createBoundedFetch } from './bounded-fetch.ts';
import { failedCall } from './call-result.ts';
import { McpServer, type ToolObserver } from './mcp-server.ts';
import type { ToolEntry } from './tool-entry.ts';
import type { Toolbox } from './toolbox.ts';

export interface ToolboxDeps {
  /** Where `headersEnv` is looked up. */
  env?: Readonly<Record<string, string | undefined>>;
  log?: Logger;
  observe?: ToolObserver;
  clock?: Clock;
  random?: () => number;
  breakMs?: number;
}

/** How long an answer waits for a server that has not listed its tools yet: only right after the start, then nothing waits. */
const PATIENCE_MS = 1_000;
const BREAK_MS = 10_000;
const unobserved: ToolObserver = { listed: () => undefined, called: () => undefined, breaker: () => undefined };

/** The tools of MCP servers. Listing begins at once, in the background: nobody's start waits for it. */
export const createToolbox = (entries: readonly ToolEntry[], deps: ToolboxDeps = {}): Toolbox => {
  const { env = {}, log = silentLog, observe = unobserved, clock = systemClock, random = Math.random, breakMs = BREAK_MS } = deps;
  const bounded = createBoundedFetch();
  const servers = new Map(entries.map((entry) => [entry.id, new McpServer(entry, { bounded, env, log, observe, clock, random, breakMs })]));
  for (const server of servers.values()) server.start();
  return {
    async list(signal, needed = new Set()) {
      const lists = [...servers.values()].map((server) => {
        const isNeeded = needed.has(server.entry.id);
        return server.tools(signal, isNeeded ? server.timeoutMs : PATIENCE_MS, isNeeded);
      });
      return (await Promise.all(lists)).flat();
    },
    async call(call) {
      const server = servers.get(call.tool.server);
      return server === undefined ? failedCall('unknown-tool', 'There is no such tool here.') : server.call(call);
    },
    async close() {
      await Promise.allSettled([...servers.values()].map((server) => server.close()));
      await bounded.close();
    },
  };
};
