import { RunnelError } from '@runnel/protocol';
import { ReplyError } from 'ioredis';
import { BUSY_STORE_MS } from '../../store-health.ts';
import { DEADLINE_MS, type RedisClient } from './connect.ts';
import { createDeadlines, type Deadlines, type Wait } from './deadlines.ts';

/** Called once per command: its name, seconds, and the outcome word (or the error code). */
export type OnCommand = (name: string, seconds: number, outcome: string) => void;

/** Redis answers that an outage, a failover or an operator explains; any other error reply is a bug of ours. */
const TRANSIENT = new Set([
  'LOADING',
  'READONLY',
  'CLUSTERDOWN',
  'TRYAGAIN',
  'MASTERDOWN',
  'OOM',
  'BUSY',
  'NOREPLICAS',
  'MISCONF',
  'MOVED',
  'ASK',
  // Errors of configuration, which an operator can correct while calls are retried.
  'NOAUTH',
  'WRONGPASS',
  'NOPERM',
]);

/** A failure of the store as our one error. */
export const storeError = (cause: unknown): RunnelError => {
  if (cause instanceof RunnelError) return cause;
  const transient = !(cause instanceof ReplyError) || TRANSIENT.has((cause as Error).message.split(' ', 1)[0]!);
  return new RunnelError(transient ? 'unavailable' : 'internal', undefined, { cause });
};

/** If any reply arrived within this time, a slow call is treated as queued, not as lost. */
const ANSWERING_MS = 300;

export interface RedisCaller {
  /** Resolves at once when connected. @throws RunnelError `unavailable` after a second */
  ready(): Promise<void>;
  /** Whether the store has just answered something. Never of a cluster: there one node's answer says nothing of another. */
  answering(): boolean;
  /**
   * Sends something and waits at most a second for it, connection included; longer only while the store answers other commands. The
   * command may still be carried out after that: everything sent here is safe to repeat.
   *
   * @throws RunnelError `unavailable`
   */
  call<T>(name: string, send: () => Promise<T>, outcome?: (reply: T) => string): Promise<T>;
}

export const createRedisCaller = (client: RedisClient, onCommand: OnCommand = () => {}, deadlineMs: number = DEADLINE_MS): RedisCaller => {
  let connected: Promise<void> | undefined;
  /** The last connection error: without it a wrong password would look like a timeout. */
  let trouble: Error | undefined;
  let heardAt = -Infinity;
  const answering = (): boolean => !client.isCluster && performance.now() - heardAt < ANSWERING_MS;
  client.on('error', (error: Error) => (trouble = error));
  client.on('ready', () => (trouble = undefined));
  /** One promise for all that wait for the same connection. */
  const whenReady = (): Promise<void> => {
    if (client.status === 'end') return Promise.reject(new RunnelError('unavailable', 'The connection is closed.'));
    return (connected ??= new Promise<void>((resolve, reject) => {
      const onReady = (): void => settle(resolve);
      const onEnd = (): void => settle(() => reject(new RunnelError('unavailable', 'The connection is closed.')));
      const settle = (act: () => void): void => {
        client.off('ready', onReady);
        client.off('end', onEnd);
        connected = undefined;
        act();
      };
      client.on('ready', onReady);
      client.on('end', onEnd);
    }));
  };
  const deadlines = createDeadlines(deadlineMs, (waitedMs) => answering() && waitedMs < BUSY_STORE_MS);
  const silent: Line = { deadlines, trouble: () => trouble, answered: () => undefined, refused: () => undefined };
  const line: Line = {
    ...silent,
    answered(name, since, outcome) {
      heardAt = performance.now();
      onCommand(name, (heardAt - since) / 1_000, outcome);
    },
    refused(name, since, code) {
      onCommand(name, (performance.now() - since) / 1_000, code);
    },
  };

  return {
    answering,
    ready: () => (client.status === 'ready' ? Promise.resolve() : new Call<void>(silent, 'ready', succeeded).begin(whenReady)),
    call: (name, send, outcome = succeeded) =>
      new Call(line, name, outcome).begin(client.status === 'ready' ? send : () => whenReady().then(send)),
  };
};

/** What all calls of a caller share. */
interface Line {
  deadlines: Deadlines;
  trouble(): Error | undefined;
  answered(name: string, since: number, outcome: string): void;
  /** No answer, or one that says that it could not be carried out. */
  refused(name: string, since: number, code: string): void;
}

/**
 * One answer that is waited for. The deadline is ours, not the client's: it also covers the wait for a connection and redirections in
 * a cluster. As few promises and closures as it can be, for this is on the way of every chunk.
 */
class Call<T> implements Wait {
  readonly since = performance.now();
  readonly #line: Line;
  readonly #name: string;
  readonly #outcome: (reply: T) => string;
  readonly #result = Promise.withResolvers<T>();

  constructor(line: Line, name: string, outcome: (reply: T) => string) {
    this.#line = line;
    this.#name = name;
    this.#outcome = outcome;
  }

  begin(send: () => Promise<T>): Promise<T> {
    try {
      const work = send();
      this.#line.deadlines.begin(this);
      work.then(this.#answer, this.#fail);
    } catch (error) {
      this.#result.reject(error);
    }
    return this.#result.promise;
  }

  giveUp(): void {
    this.#refuse(new RunnelError('unavailable', 'The store did not answer in time.', { cause: this.#line.trouble() }));
  }

  readonly #answer = (reply: T): void => {
    if (!this.#line.deadlines.end(this)) return;
    this.#result.resolve(reply);
    try {
      this.#line.answered(this.#name, this.since, this.#outcome(reply));
    } catch {
      // An observer that throws must not affect the reply.
    }
  };

  readonly #fail = (cause: unknown): void => {
    if (this.#line.deadlines.end(this)) this.#refuse(storeError(cause));
  };

  #refuse(error: RunnelError): void {
    this.#result.reject(error);
    this.#line.refused(this.#name, this.since, error.code);
  }
}

const succeeded = (): string => 'ok';
