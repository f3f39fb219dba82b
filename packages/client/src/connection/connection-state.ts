/**
 * The life of the connection as a pure state machine: what happened goes in, the next state and what to do come out.
 * `connection.ts` does the I/O. The number of a close code says whether to come back (PROTOCOL.md, "Close codes").
 */
import { CLOSE, shouldReconnect, type WelcomeEvent } from '@runnel/protocol';
import { backoffMs } from './backoff.ts';
import type { Problem } from '../api/errors.ts';

export type TransportName = 'ws' | 'sse';
export type TransportChoice = 'auto' | TransportName;

/**
 * `connecting`: the first try. `reconnecting`: it was lost or could not be had; tries go on. `offline`: the same while
 * the device says it has no network, or after `close()`. `draining`: still in use, about to move to another gateway.
 * `refused`: the server does not want this client back; only `retry()` tries again.
 */
export type ConnectionStatus = 'offline' | 'connecting' | 'live' | 'reconnecting' | 'draining' | 'refused';

export interface ConnectionState {
  status: ConnectionStatus;
  /** In use, or tried last. */
  transport: TransportName;
  /** Tries in a row that failed; kept until a connection has proved sound. */
  attempt: number;
  /** The gateway that answers, or answered last. */
  node: string | null;
  userId: string | null;
  limits: WelcomeEvent['limits'] | null;
  /** Why it is not live, where somebody said so. */
  error: Problem | null;
  /** When `status` began, and when the next try is due (ms since the epoch, this device's clock). */
  since: number;
  retryAt: number | null;
}

export type Phase = 'idle' | 'trying' | 'up' | 'waiting' | 'stopped';

export interface Machine {
  view: ConnectionState;
  phase: Phase;
  choice: TransportChoice;
  /** Tries by WebSocket in a row that did not reach `welcome`. */
  wsFailures: number;
  wsWorked: boolean;
  /** The server asked not to be called before this time (`draining`, `overloaded`). 0: it did not. */
  notBefore: number;
  networkDown: boolean;
  /** A connection that was authenticated was closed with 4503, and a fresh token is being tried: once. */
  authRetried: boolean;
}

export type Input =
  | { kind: 'start' }
  | { kind: 'welcome'; event: WelcomeEvent }
  | { kind: 'draining'; reconnectInMs: number }
  /** An `error` that answers no frame: it speaks of the connection. */
  | { kind: 'notice'; problem: Problem }
  /** Events flow: what a notice said is over. */
  | { kind: 'flowing' }
  /** The transport is gone: a close code of the server, or 1006 for anything that went wrong on the way. */
  | { kind: 'closed'; code: number }
  | { kind: 'due' }
  | { kind: 'online' }
  | { kind: 'offline' }
  | { kind: 'visible' }
  | { kind: 'stop' };

export type Effect =
  | { do: 'connect'; transport: TransportName }
  /** Replaces an earlier wait; `due` comes in after `ms`. */
  | { do: 'wait'; ms: number }
  /** Close the present transport, whatever it does. */
  | { do: 'drop' }
  /** Find out quickly whether the present transport still carries anything. */
  | { do: 'probe' }
  /** Say `hello` again with a fresh token. */
  | { do: 'reauthenticate' };

export interface Env {
  now: number;
  random: () => number;
}

/** A connection that lived this long was a good one: the next wait is short again. */
export const STABLE_MS = 5_000;
/** One that did not even live this long counts as a failure: a gateway that accepts and drops is not hammered. */
const SOUND_MS = 1_000;
/** Without an answer by WebSocket this often in a row, `auto` tries SSE: some proxies never let an upgrade through. */
const WS_TRIES = 2;

export const createMachine = (choice: TransportChoice, now: number, userId: string | null = null): Machine => ({
  view: {
    status: 'connecting',
    transport: choice === 'sse' ? 'sse' : 'ws',
    attempt: 0,
    node: null,
    userId,
    limits: null,
    error: null,
    since: now,
    retryAt: null,
  },
  phase: 'idle',
  choice,
  wsFailures: 0,
  wsWorked: false,
  notBefore: 0,
  networkDown: false,
  authRetried: false,
});

type Step = [Machine, Effect[]];

const show = (m: Machine, change: Partial<ConnectionState>, now: number): ConnectionState => ({
  ...m.view,
  ...change,
  since: change.status === undefined || change.status === m.view.status ? m.view.since : now,
});

const nextTransport = (m: Machine): TransportName => {
  if (m.choice !== 'auto') return m.choice;
  return m.wsFailures >= WS_TRIES ? 'sse' : 'ws';
};

const connect = (m: Machine, env: Env, before: Effect[] = []): Step => {
  const transport = nextTransport(m);
  const status = m.view.node === null && m.view.attempt === 0 ? 'connecting' : 'reconnecting';
  const view = show(m, { status, transport, retryAt: null }, env.now);
  return [{ ...m, phase: 'trying', view, notBefore: 0 }, [...before, { do: 'connect', transport }]];
};

const wait = (m: Machine, ms: number, env: Env): Step => {
  const status = m.networkDown ? 'offline' : 'reconnecting';
  const view = show(m, { status, retryAt: env.now + ms }, env.now);
  return [{ ...m, phase: 'waiting', view }, [{ do: 'wait', ms }]];
};

/** After a lost try, what `auto` should believe of WebSockets. A failed try by SSE gives them one more chance. */
const countFailure = (m: Machine): number => {
  if (m.phase === 'up') return m.view.transport === 'sse' && m.wsWorked ? WS_TRIES - 1 : m.wsFailures;
  return m.view.transport === 'ws' ? m.wsFailures + 1 : WS_TRIES - 1;
};

const refusal = (m: Machine, code: number): Problem => {
  if (m.view.error && code !== CLOSE.auth) return m.view.error;
  if (code === CLOSE.auth) return { code: 'unauthorized', message: 'The server refused the credentials.', retryable: false };
  if (code === CLOSE.forbidden) return { code: 'forbidden', message: 'The server refused this client.', retryable: false };
  if (code === CLOSE.rate) return { code: 'rate-limited', message: 'The server refuses this client for a while.', retryable: true };
  if (code === CLOSE.tooBig) return { code: 'too-long', message: 'A frame was larger than the server takes.', retryable: false };
  return { code: 'bad-frame', message: 'Client and server do not understand each other.', retryable: false };
};

/** Failures to count after a connection that lived so long; a bad network is no reason to wait longer than it lets us live. */
const failuresAfter = (m: Machine, livedMs: number): number => {
  if (livedMs >= STABLE_MS) return 1;
  return livedMs >= SOUND_MS ? Math.max(1, m.view.attempt - 1) : m.view.attempt + 1;
};

const closed = (m: Machine, code: number, env: Env): Step => {
  if (m.phase !== 'trying' && m.phase !== 'up') return [m, []];
  const wasUp = m.phase === 'up';
  const wasDraining = m.view.status === 'draining';
  const livedMs = wasDraining ? STABLE_MS : env.now - m.view.since;
  // 4503 after it had been accepted is an expiry that a sleeping device missed; a fresh token may be tried, once. One that has
  // proved good since may expire in its turn.
  const expired = code === CLOSE.auth && wasUp && (!m.authRetried || livedMs >= STABLE_MS);
  if (!shouldReconnect(code) && !expired) {
    const view = show(m, { status: 'refused', error: refusal(m, code), retryAt: null }, env.now);
    return [{ ...m, phase: 'stopped', view }, []];
  }
  const attempt = failuresAfter(m, wasUp ? livedMs : 0);
  const view = { ...m.view, attempt };
  const next: Machine = { ...m, view, wsFailures: countFailure(m), authRetried: m.authRetried || expired };
  const askedMs = Math.max(0, m.notBefore - env.now);
  if (wasDraining && code === CLOSE.draining) return wait(next, askedMs, env);
  return wait(next, askedMs + backoffMs(attempt - 1, env.random), env);
};

/** One step. Pure: the same inputs give the same life. */
export const step = (m: Machine, input: Input, env: Env): Step => {
  if (m.phase === 'stopped' && input.kind !== 'start') return [m, []];
  switch (input.kind) {
    case 'start':
      if (m.phase === 'up' || m.phase === 'trying') return [m, []];
      return connect({ ...m, authRetried: false, view: { ...m.view, error: null } }, env);
    case 'welcome': {
      const { node, userId, limits } = input.event;
      const ws = m.view.transport === 'ws';
      const status = m.view.status === 'draining' ? 'draining' : 'live';
      // Over SSE the first welcome is the transport's own and cannot name everything.
      const known = { node: node || m.view.node, userId: userId || m.view.userId };
      const view = show(m, { status, ...known, limits, error: null }, env.now);
      return [{ ...m, phase: 'up', view, wsWorked: m.wsWorked || ws, wsFailures: ws ? 0 : m.wsFailures, networkDown: false }, []];
    }
    case 'draining': {
      if (m.phase !== 'up' || m.view.status === 'draining') return [m, []];
      const ms = Math.max(0, input.reconnectInMs);
      const view = show(m, { status: 'draining', retryAt: env.now + ms }, env.now);
      return [{ ...m, view, notBefore: env.now + ms }, [{ do: 'wait', ms }]];
    }
    case 'notice': {
      if (input.problem.code === 'token-expired') return [m, m.phase === 'up' ? [{ do: 'reauthenticate' }] : []];
      const notBefore = Math.max(m.notBefore, env.now + (input.problem.retryAfterMs ?? 0));
      const asked = input.problem.retryAfterMs === undefined ? m.notBefore : notBefore;
      return [{ ...m, notBefore: asked, view: { ...m.view, error: input.problem } }, []];
    }
    case 'flowing':
      return [{ ...m, view: { ...m.view, error: null } }, []];
    case 'closed':
      return closed(m, input.code, env);
    case 'due':
      if (m.phase === 'waiting') return connect(m, env);
      // The gateway drains and our turn to leave has come: move, without waiting for its close.
      if (m.phase === 'up' && m.view.status === 'draining') return connect(m, env, [{ do: 'drop' }]);
      return [m, []];
    case 'offline':
      if (m.phase === 'waiting') return [{ ...m, networkDown: true, view: show(m, { status: 'offline' }, env.now) }, []];
      return [{ ...m, networkDown: true }, m.phase === 'up' ? [{ do: 'probe' }] : []];
    case 'online':
    case 'visible': {
      const next = input.kind === 'online' ? { ...m, networkDown: false } : m;
      if (m.phase === 'up') return [next, [{ do: 'probe' }]];
      if (m.phase === 'waiting' && env.now >= m.notBefore) return connect(next, env);
      return [next, []];
    }
    case 'stop':
      return [{ ...m, phase: 'stopped', view: show(m, { status: 'offline', retryAt: null }, env.now) }, [{ do: 'drop' }]];
    default:
      input satisfies never;
      return [m, []];
  }
};
