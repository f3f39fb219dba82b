/** Carries out what `connection-state.ts` decides: opens transports, says hello, waits, watches the heartbeat. */
import { PROTOCOL_VERSION, type ClientFrame, type ServerEvent, type WelcomeEvent } from '@runnel/protocol';
import type { Clock } from '../clock.ts';
import {
  createMachine,
  step,
  type ConnectionState,
  type Effect,
  type Input,
  type TransportChoice,
  type TransportName,
} from './connection-state.ts';
import type { Credentials } from './credentials.ts';
import { errorFromWire, problemOf } from '../api/errors.ts';
import { watchHeartbeat, type Heartbeat } from './heartbeat.ts';
import type { PageSignals } from './page-signals.ts';
import { createStore, type Store } from '../store.ts';
import { ABNORMAL, type OpenTransport, type Transport } from '../transport/transport.ts';

export interface ConnectionListener {
  /** A gateway said welcome on a new transport: what was open must be asked for again. */
  live?(): void;
  /** The transport is gone. */
  down?(): void;
  /** Every event that is not the connection's own business. */
  event?(event: ServerEvent): void;
}

export interface Connection {
  readonly state: Store<ConnectionState>;
  isLive(): boolean;
  /** False when there is no live connection that takes the frame. */
  send(frame: ClientFrame): boolean;
  listen(listener: ConnectionListener): () => void;
  /** Tries now, also after a refusal. */
  retry(): void;
  /** For good. */
  close(): void;
}

export interface ConnectionOptions {
  transports: Record<TransportName, OpenTransport>;
  choice: TransportChoice;
  credentials: Credentials;
  clock: Clock;
  random: () => number;
  signals: PageSignals;
  userId?: string;
  /** Named in `hello`, for the server's log. */
  client?: string;
  /** Wants hints about the person's list. */
  list?: boolean;
}

/** Time for opening, token and `welcome` together. */
export const CONNECT_DEADLINE_MS = 10_000;
/** Until `welcome` has said how often the server pings. */
const DEFAULT_HEARTBEAT_MS = 20_000;

export const createConnection = (options: ConnectionOptions): Connection => {
  const { clock, credentials } = options;
  let machine = createMachine(options.choice, clock.now(), options.userId ?? null);
  const state = createStore(machine.view);
  const listeners = new Set<ConnectionListener>();
  let transport: Transport | null = null;
  let heartbeat: Heartbeat | null = null;
  let cancelWait = (): void => undefined;
  let cancelDeadline = (): void => undefined;
  let closed = false;

  const tell = (hear: (listener: ConnectionListener) => void): void => [...listeners].forEach(hear);

  const input = (happened: Input): void => {
    const before = machine.phase;
    const [next, effects] = step(machine, happened, { now: clock.now(), random: options.random });
    machine = next;
    state.set(next.view);
    if (before === 'up' && next.phase !== 'up') tell((listener) => listener.down?.());
    for (const effect of effects) perform(effect);
  };

  const drop = (): void => {
    const old = transport;
    transport = null;
    heartbeat?.stop();
    heartbeat = null;
    cancelDeadline();
    old?.close();
  };

  const lost = (code: number): void => {
    drop();
    input({ kind: 'closed', code });
  };

  /** The token that was sent on the present transport. */
  let said: string | undefined;

  const hello = (token: string | undefined): ClientFrame => ({
    type: 'hello',
    protocol: PROTOCOL_VERSION,
    ...(token !== undefined && { token }),
    ...(options.client !== undefined && { client: options.client }),
    ...(options.list && { list: true }),
  });

  const greet = (token: string | undefined): void => {
    said = token;
    transport?.send(hello(token));
  };

  const watch = (heartbeatMs: number): Heartbeat =>
    watchHeartbeat({
      clock,
      quietMs: heartbeatMs,
      ping: () => void transport?.send({ type: 'ping', t: clock.now() }),
      silent: () => lost(ABNORMAL),
    });

  const welcome = (event: WelcomeEvent): void => {
    cancelDeadline();
    heartbeat?.stop();
    heartbeat = watch(event.heartbeatMs || DEFAULT_HEARTBEAT_MS);
    const wasUp = machine.phase === 'up';
    input({ kind: 'welcome', event });
    // A second welcome answers a second hello (a fresh token) or opens an SSE response: nothing was lost.
    if (!wasUp) tell((listener) => listener.live?.());
  };

  const receive = (event: ServerEvent): void => {
    heartbeat?.traffic();
    if (event.type === 'welcome') return welcome(event);
    if (event.type === 'draining') return input({ kind: 'draining', reconnectInMs: event.reconnectInMs });
    if (event.type === 'error' && event.id === undefined) return input({ kind: 'notice', problem: problemOf(errorFromWire(event)) });
    if (machine.view.error && 'offset' in event) input({ kind: 'flowing' });
    if (machine.phase === 'up') tell((listener) => listener.event?.(event));
  };

  const connect = async (name: TransportName): Promise<void> => {
    cancelWait();
    const attempt = {};
    current = attempt;
    const mine = (): boolean => current === attempt && !closed;
    cancelDeadline = clock.after(CONNECT_DEADLINE_MS, () => mine() && lost(ABNORMAL));
    try {
      // Before the socket, so that no slow token source uses up the server's patience for `hello` (W-1).
      const token = await credentials.refresh();
      if (!mine() || machine.phase !== 'trying') return;
      let link: Transport | null = null;
      const live = (): boolean => mine() && link !== null && link === transport;
      link = transport = options.transports[name]({
        open: () => live() && greet(token),
        event: (event) => live() && receive(event),
        traffic: () => live() && heartbeat?.traffic(),
        closed: (code) => live() && lost(code),
      });
    } catch {
      if (mine()) lost(ABNORMAL);
    }
  };
  let current: object | null = null;

  const reauthenticate = async (): Promise<void> => {
    const attempt = current;
    const token = await credentials.refresh().catch(() => undefined);
    // Without a fresh token the server will close with 4503, which says the rest. The old one again would only bring the same warning.
    if (token !== undefined && token !== said && attempt === current) greet(token);
  };

  const perform = (effect: Effect): void => {
    switch (effect.do) {
      case 'connect':
        return void connect(effect.transport);
      case 'wait':
        cancelWait();
        cancelWait = clock.after(effect.ms, () => input({ kind: 'due' }));
        return;
      case 'drop':
        return drop();
      case 'probe':
        return heartbeat?.probe();
      case 'reauthenticate':
        return void reauthenticate();
      default:
        effect satisfies never;
    }
  };

  const stopSignals = options.signals((signal) => input({ kind: signal }));
  input({ kind: 'start' });
  return {
    state,
    isLive: () => machine.phase === 'up',
    send: (frame) => machine.phase === 'up' && (transport?.send(frame) ?? false),
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    retry: () => closed || input({ kind: 'start' }),
    close() {
      if (closed) return;
      closed = true;
      stopSignals();
      cancelWait();
      input({ kind: 'stop' });
      listeners.clear();
    },
  };
};
