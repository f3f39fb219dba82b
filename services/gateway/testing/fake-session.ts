import { vi } from 'vitest';
import { createMetrics, silentLog } from '@runnel/kit';
import { DEFAULT_LIMITS, RunnelError, type ServerEvent } from '@runnel/protocol';
import { openBudgets } from './open-budgets.ts';
import type { Commands } from '../src/commands/commands.ts';
import { gatewayMetrics } from '../src/metrics.ts';
import { createPeople } from '../src/follow/people.ts';
import type { Sink } from '../src/follow/follower.ts';
import type { Hub } from '../src/follow/hub.ts';
import type { Caller, Identity } from '../src/auth/identity.ts';
import type { Outgoing } from '../src/follow/wire-event.ts';
import { Session, type Opening, type SessionDeps, type SessionSocket } from '../src/sockets/session.ts';

class FakeSocket implements SessionSocket {
  backlog = 0;
  readonly sent: ServerEvent[] = [];
  pings = 0;
  code: number | null = null;
  reason = '';
  terminated = false;

  write({ bytes }: Outgoing, _logId: string | null, written?: () => void): void {
    this.sent.push(JSON.parse(bytes.toString()) as ServerEvent);
    if (written) queueMicrotask(written);
  }
  ping(): void {
    this.pings++;
  }
  close(code: number, reason: string): void {
    if (this.code !== null) throw new Error('closed twice');
    this.code = code;
    this.reason = reason;
  }
  terminate(): void {
    this.terminated = true;
  }
  errors(): string[] {
    return this.sent.flatMap((event) => (event.type === 'error' ? [event.code] : []));
  }
}

export const ann: Identity = { userId: 'ann', source: 'query', expiresAt: null };
export const hello = (extra: object = {}): object => ({ type: 'hello', protocol: 1, ...extra });
/** What is due at this moment happens; the clock must be faked. */
export const settle = () => vi.advanceTimersByTimeAsync(0);

interface CommandCall {
  conversationId: string;
  runId?: string;
}

/** `token` names its user as `for-ann`; with `down` the keys cannot be had. */
const verifyByName: SessionDeps['auth']['verify'] = async (token) => {
  if (token === 'down') throw new RunnelError('unavailable');
  if (!token.startsWith('for-')) throw new RunnelError('unauthorized');
  return { userId: token.slice(4), expiresAt: null };
};

interface SessionOptions {
  opening?: Opening;
  verify?: SessionDeps['auth']['verify'];
  /** Carries out every command. */
  answer?: (command: CommandCall, name: string, caller: Caller) => Promise<unknown>;
  banned?: Set<string>;
  budgets?: Partial<SessionDeps['budgets']>;
}

/** A session on a socket that keeps what it is sent, over a hub that only notes who is followed. */
export const openSession = ({
  opening = { identity: ann },
  verify = verifyByName,
  answer = async () => ({ runId: 'r1', offset: 3, duplicate: false }),
  banned = new Set(),
  budgets = {},
}: SessionOptions = {}) => {
  const socket = new FakeSocket();
  const followed: string[] = [];
  const sinks: Sink[] = [];
  const hub = {
    follow: ({ conversationId, sink }: { conversationId: string; sink: Sink }) => {
      followed.push(conversationId);
      sinks.push(sink);
      return { conversationId, live: true, close: () => followed.splice(followed.indexOf(conversationId), 1) };
    },
    hasLiveRun: (id: string) => id === 'live',
  } as unknown as Hub;
  const commands = new Proxy({} as Commands, {
    get: (_, name: string) =>
      name === 'worthWaiting' ? () => false : (caller: Caller, command: CommandCall) => answer(command, name, caller),
  });
  const registry = createMetrics('gateway', { processMetrics: false });
  const metrics = gatewayMetrics(registry);
  const session = new Session(
    socket,
    {
      hub,
      people: createPeople({ followPerson: async () => ({ close: async () => {} }) }),
      commands,
      auth: { verify },
      limits: DEFAULT_LIMITS,
      node: 'n1',
      heartbeatMs: 20_000,
      promptsPerMinute: 100,
      budgets: { ...openBudgets(registry), ...budgets },
      metrics,
      log: silentLog,
      bans: { has: (userId) => banned.has(userId), add: (userId) => void banned.add(userId) },
    },
    opening,
  );
  const say = (frame: unknown) => session.message(Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)), false);
  return { socket, session, say, followed, sinks, metrics };
};

/** After `hello` and `welcome`. */
export const welcomed = async (options?: SessionOptions) => {
  const opened = openSession(options);
  opened.say(hello());
  await settle();
  opened.socket.sent.length = 0;
  return opened;
};
