import type { Tool as McpTool } from '@modelcontextprotocol/client';
import { fullJitter, type Logger } from '@runnel/kit';
import { BrokenCircuitError, circuitBreaker, CircuitState, ConsecutiveBreaker, handleWhenResult } from 'cockatiel';
import type { Clock } from '../runs/clock.ts';
import { NotSent, type createBoundedFetch } from './bounded-fetch.ts';
import { askOpen, createDeadline, MOST_ASK_MS, saidOf } from '../asking/open-call.ts';
import { faultOf, failedCall, MAY_HAVE_ACTED, resultOf, tooLong, whyAway } from './call-result.ts';
import { describeTools } from './describe-tool.ts';
import { McpConnection } from './mcp-connection.ts';
import { OUTPUT_BYTES, TIMEOUT_MS, type ToolEntry } from './tool-entry.ts';
import type { Call, CallResult, Tool } from './toolbox.ts';

export type BreakerWord = 'closed' | 'half-open' | 'open';

export interface ToolObserver {
  listed(server: string, outcome: 'listed' | 'failed', tools: number): void;
  called(server: string, outcome: string, ms: number): void;
  breaker(server: string, state: BreakerWord): void;
}

export interface ServerDeps {
  bounded: ReturnType<typeof createBoundedFetch>;
  env: Readonly<Record<string, string | undefined>>;
  log: Logger;
  observe: ToolObserver;
  clock: Clock;
  random: () => number;
  /** How long an open breaker refuses before one call may try. */
  breakMs: number;
}

const REFRESH_MS = 60_000;
const RETRY = { baseMs: 1_000, maxMs: 60_000 };
const LEAST_RETRY_MS = 250;
/** An answer that is over without having held one: what was read last may still be on its way through the SDK. */
const OVER_MS = 250;
/** JSON and its escapes around an output. */
const ENVELOPE_BYTES = 64 * 1024;
const MOST_ESCAPED = 6;
const FAILURES_TO_BREAK = 5;
const STATES: Readonly<Record<CircuitState, BreakerWord>> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Open]: 'open',
  [CircuitState.Isolated]: 'open',
};

/** One MCP server: keeps its list of tools, calls them once each. Nothing here waits longer than the server's `timeoutMs`. */
export class McpServer {
  readonly entry: ToolEntry;
  readonly #deps: ServerDeps;
  readonly #timeoutMs: number;
  readonly #closing = new AbortController();
  readonly #tried = Promise.withResolvers<void>();
  readonly #known = Promise.withResolvers<void>();
  readonly #breaker;
  readonly #connection: McpConnection;
  #tools: readonly Tool[] = [];
  #listing = '';
  #isFresh = false;
  #doubt = new AbortController();
  #following: Promise<void> | undefined;

  constructor(entry: ToolEntry, deps: ServerDeps) {
    this.entry = entry;
    this.#deps = deps;
    this.#timeoutMs = entry.timeoutMs ?? TIMEOUT_MS;
    this.#connection = new McpConnection(entry, { ...deps, timeoutMs: this.#timeoutMs, closing: this.#closing.signal });
    const isOutage = (result: unknown): boolean => {
      const { ok, code } = result as { ok: boolean; code?: string };
      return !ok && (code === 'unavailable' || code === 'timeout');
    };
    this.#breaker = circuitBreaker(handleWhenResult(isOutage), {
      halfOpenAfter: deps.breakMs,
      breaker: new ConsecutiveBreaker(FAILURES_TO_BREAK),
    });
    this.#breaker.onStateChange((state) => deps.observe.breaker(entry.id, STATES[state]));
  }

  start(): void {
    this.#following ??= this.#follow();
  }

  /** The tools to offer; with `isNeeded` those it had, also while it is away. Waits for the first list, and no longer than `patienceMs`. */
  async tools(signal: AbortSignal, patienceMs: number, isNeeded: boolean): Promise<readonly Tool[]> {
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    const first = isNeeded ? this.#known.promise : this.#tried.promise;
    const isHere = isNeeded ? this.#listing !== '' : this.#isFresh;
    if (!isHere) await Promise.race([first, this.#deps.clock.sleep(Math.min(patienceMs, this.#timeoutMs), stop)]);
    return this.#isFresh || isNeeded ? this.#tools : [];
  }

  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  async call(call: Call): Promise<CallResult> {
    const { clock, observe } = this.#deps;
    const startedAt = clock.now();
    let result: CallResult;
    try {
      result = await this.#breaker.execute(() => this.#callOnce(call));
    } catch (error) {
      result =
        error instanceof BrokenCircuitError
          ? failedCall('unavailable', 'The server of the tool failed too often and is given a rest; the call was not made.')
          : faultOf(error);
    }
    const word = result.ok === 'asks' ? 'asks' : result.ok ? 'done' : result.code;
    observe.called(this.entry.id, word, clock.now() - startedAt);
    if (!result.ok && result.code === 'unavailable') this.#drop();
    return result;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#following;
    this.#drop();
  }

  async #callOnce(call: Call): Promise<CallResult> {
    const { bounded } = this.#deps;
    const { tool, input, key, attempt } = call;
    const most = this.entry.maxOutputBytes ?? OUTPUT_BYTES;
    const stop = new AbortController();
    const ended = Promise.withResolvers<CallResult>();
    const end = (result: CallResult): void => {
      ended.resolve(result);
      stop.abort();
    };
    let sent = false;
    const late = createDeadline(this.#timeoutMs, () =>
      end(
        failedCall(
          'timeout',
          sent ? `The tool did not answer in time. ${MAY_HAVE_ACTED}` : 'The server of the tool did not answer; the call was not made.',
        ),
      ),
    );
    let over: NodeJS.Timeout | undefined;
    const onCancel = (): void => end(failedCall('cancelled', 'The call was cancelled.'));
    call.signal.addEventListener('abort', onCancel, { once: true });
    if (call.signal.aborted) onCancel();
    const exchange = {
      mostBytes: ENVELOPE_BYTES + most * MOST_ESCAPED,
      signal: stop.signal,
      async permit() {
        const may = call.permit === undefined || (await call.permit());
        sent = may && !stop.signal.aborted;
        return sent;
      },
      tooLong: () => end(tooLong(most)),
      ask: (params: unknown) => late.pausedFor(() => askOpen(call, params)),
      over: () => (over = setTimeout(() => end(failedCall('unavailable', `The server of the tool hung up. ${MAY_HAVE_ACTED}`)), OVER_MS)),
    };
    const make = async (): Promise<CallResult> => {
      const connected = await this.#connection.ready(stop.signal);
      const definition = connected.definitions.get(tool.name);
      // `traceparent` is where MCP's own convention has it, for its streams outlive the headers of a request.
      const traced = call.trace !== undefined && { traceparent: call.trace };
      const meta = { 'runnel/idempotencyKey': key, 'runnel/attempt': attempt, ...traced };
      const answer = await bounded.run(exchange, () =>
        connected.client.callTool(
          { name: tool.name, arguments: { ...input }, _meta: meta, ...saidOf(call) },
          {
            // The SDK's own clock is none of ours; it must not ask again, nor judge the output.
            timeout: MOST_ASK_MS + this.#timeoutMs * 2,
            allowInputRequired: true,
            signal: stop.signal,
            toolDefinition: { name: tool.name, inputSchema: definition?.inputSchema ?? { type: 'object' } },
          },
        ),
      );
      connected.usedAt = this.#deps.clock.now();
      return resultOf(answer, most);
    };
    try {
      return await Promise.race([ended.promise, make().catch((error: unknown) => this.#faultOf(error, sent))]);
    } finally {
      late.clear();
      clearTimeout(over);
      call.signal.removeEventListener('abort', onCancel);
      stop.abort();
    }
  }

  #faultOf(error: unknown, sent: boolean): CallResult {
    if (error instanceof NotSent) return failedCall('cancelled', 'The call was not made.');
    return sent ? faultOf(error) : failedCall('unavailable', 'The server of the tool cannot be reached; the call was not made.');
  }

  /** What is known of this connection is in doubt: the next use makes another, and the list is asked for again. */
  #drop(): void {
    this.#connection.drop();
    this.#doubt.abort();
  }

  async #follow(): Promise<void> {
    const { clock, random } = this.#deps;
    for (let failures = 0; !this.#closing.signal.aborted;) {
      failures = (await this.#list()) ? 0 : failures + 1;
      this.#doubt = new AbortController();
      const waitMs =
        failures === 0 ? REFRESH_MS * (1 - random() / 3) : LEAST_RETRY_MS + fullJitter({ attempt: failures - 1, ...RETRY, random });
      await clock.sleep(waitMs, failures === 0 ? AbortSignal.any([this.#closing.signal, this.#doubt.signal]) : this.#closing.signal);
    }
  }

  async #list(): Promise<boolean> {
    const { log, observe, clock } = this.#deps;
    const server = this.entry.id;
    try {
      const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(this.#timeoutMs)]);
      const connected = await this.#connection.connect(signal);
      const { tools } = await connected.client.listTools(undefined, { timeout: this.#timeoutMs, signal, cacheMode: 'bypass' });
      connected.usedAt = clock.now();
      connected.definitions = new Map(tools.map((tool) => [tool.name, tool]));
      this.#take(tools);
      observe.listed(server, 'listed', this.#tools.length);
      return true;
    } catch (err) {
      if (!this.#closing.signal.aborted) {
        if (this.#isFresh || this.#listing === '') log.warn({ event: 'tools.away', server, why: whyAway(err) });
        observe.listed(server, 'failed', 0);
      }
      this.#isFresh = false;
      this.#drop();
      return false;
    } finally {
      this.#tried.resolve();
    }
  }

  #take(tools: McpTool[]): void {
    const { log } = this.#deps;
    const listing = JSON.stringify(tools);
    const isNew = listing !== this.#listing;
    if (isNew) {
      const { tools: described, left } = describeTools(this.entry, tools);
      this.#tools = described;
      this.#listing = listing;
      for (const { name, why } of left) log.warn({ event: 'tool.left-out', server: this.entry.id, tool: name, why });
    }
    if (isNew || !this.#isFresh) log.info({ event: 'tools.listed', server: this.entry.id, tools: this.#tools.length });
    this.#isFresh = true;
    this.#known.resolve();
  }
}
