import { Client, StreamableHTTPClientTransport, type ElicitResult, type Tool as McpTool } from '@modelcontextprotocol/client';
import type { Clock } from '../runs/clock.ts';
import { NotSent, type createBoundedFetch } from './bounded-fetch.ts';
import type { ToolEntry } from './tool-entry.ts';

export interface Connected {
  client: Client;
  transport: StreamableHTTPClientTransport;
  /** Tools as the server defined them, by name. */
  definitions: Map<string, McpTool>;
  usedAt: number;
}

export interface ConnectionDeps {
  bounded: Pick<ReturnType<typeof createBoundedFetch>, 'fetch' | 'ask'>;
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  timeoutMs: number;
  closing: AbortSignal;
}

/** A session that was quiet for so long may be forgotten: it is asked by a ping, which may be repeated where a call may not. */
const QUIET_MS = 5_000;
const PING_MS = 2_000;

/** The connection to one server, made when it is needed and by one at a time. */
export class McpConnection {
  readonly #entry: ToolEntry;
  readonly #deps: ConnectionDeps;
  #connected: Promise<Connected> | null = null;

  constructor(entry: ToolEntry, deps: ConnectionDeps) {
    this.#entry = entry;
    this.#deps = deps;
  }

  /** One that was used lately, or has just been asked whether it is still one. */
  async ready(signal: AbortSignal): Promise<Connected> {
    const connected = await this.connect(signal);
    const { clock } = this.#deps;
    if (connected.transport.sessionId === undefined || clock.now() - connected.usedAt < QUIET_MS) return connected;
    try {
      await connected.client.ping({ timeout: PING_MS, signal });
      connected.usedAt = clock.now();
      return connected;
    } catch {
      this.drop();
      return this.connect(signal);
    }
  }

  connect(signal: AbortSignal): Promise<Connected> {
    if (this.#connected === null) {
      const connecting = (this.#connected = this.#open());
      connecting.catch(() => {
        if (this.#connected === connecting) this.#connected = null;
      });
    }
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new NotSent()), { once: true });
    });
    return Promise.race([this.#connected, aborted]);
  }

  /** The next use makes another. */
  drop(): void {
    const dropped = this.#connected;
    this.#connected = null;
    void dropped?.then(({ client }) => client.close()).catch(() => undefined);
  }

  async #open(): Promise<Connected> {
    const { bounded, env, clock, timeoutMs: timeout, closing } = this.#deps;
    const { url, headersEnv = {} } = this.#entry;
    const headers = Object.fromEntries(Object.entries(headersEnv).map(([name, variable]) => [name, env[variable] ?? '']));
    const transport = new StreamableHTTPClientTransport(new URL(url), {
      fetch: bounded.fetch,
      requestInit: { headers: { ...headers, 'accept-encoding': 'identity' } },
      // A stream that breaks is not resumed: the log is what lasts.
      reconnectionOptions: { maxRetries: 0, initialReconnectionDelay: 1_000, maxReconnectionDelay: 1_000, reconnectionDelayGrowFactor: 1 },
    });
    const client = new Client(
      { name: 'runnel', version: '1' },
      {
        capabilities: { elicitation: { form: {} } },
        versionNegotiation: { mode: 'auto', probe: { timeoutMs: timeout } },
        inputRequired: { autoFulfill: false },
        listMaxPages: 16,
      },
    );
    // Servers with sessions ask while their call is open; those without end it, and are called again with the answer.
    client.setRequestHandler('elicitation/create', ({ params }) => bounded.ask(params) as Promise<ElicitResult>);
    // What goes wrong is told to whoever asked.
    client.onerror = () => undefined;
    await client.connect(transport, { timeout, signal: AbortSignal.any([closing, AbortSignal.timeout(timeout)]) });
    return { client, transport, definitions: new Map(), usedAt: clock.now() };
  }
}
