import { RunnelError } from '@runnel/protocol';
import { ReplyError } from 'ioredis';
import { DEADLINE_MS, type RedisClient } from './connect.ts';
import { createDeadlines } from './deadlines.ts';

/** Called once per command: its name, seconds, and the outcome word (or the error code). */
export type OnCommand = (name: string, seconds: number, outcome: string) => void;

/** Redis answers that an outage or a failover explains; any other error reply is a bug of ours. */
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
]);

/** A failure of the store as our one error. */
export const storeError = (cause: unknown): RunnelError => {
  if (cause instanceof RunnelError) return cause;
  const transient = !(cause instanceof ReplyError) || TRANSIENT.has((cause as Error).message.split(' ', 1)[0]!);
  return new RunnelError(transient ? 'unavailable' : 'internal', undefined, { cause });
};

/** Answers that came so lately say that the store is there: what is still unanswered waits its turn, here or there. */
const ANSWERING_MS = 300;
/** How long a store that answers others is waited for. */
const BUSY_LIMIT_MS = 5_000;

export interface Caller {
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

export const createCaller = (client: RedisClient, onCommand: OnCommand = () => {}, deadlineMs: number = DEADLINE_MS): Caller => {
  let connected: Promise<void> | undefined;
  /** Why there is no connection, as far as that was told: a wrong password looks like silence otherwise. */
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
  const deadlines = createDeadlines(deadlineMs, (waitedMs) => answering() && waitedMs < BUSY_LIMIT_MS);
  /**
   * The deadline is ours, not the client's: it also covers the wait for a connection and redirections in a cluster. One promise: this
   * is on the way of every chunk. The listeners cannot spoil an answer: it is given before they hear of it.
   */
  const within = <T>(send: () => Promise<T>, answered: (reply: T) => void, refused: (error: RunnelError) => void): Promise<T> =>
    new Promise((resolve, reject) => {
      const refuse = (error: RunnelError): void => {
        reject(error);
        refused(error);
      };
      const giveUp = (): void => refuse(new RunnelError('unavailable', 'The store did not answer in time.', { cause: trouble }));
      const wait = { since: performance.now(), giveUp };
      const fail = (cause: unknown): void => {
        if (deadlines.end(wait)) refuse(storeError(cause));
      };
      const work = send();
      deadlines.begin(wait);
      work
        .then((reply) => {
          if (!deadlines.end(wait)) return;
          resolve(reply);
          answered(reply);
        })
        .catch(fail);
    });

  return {
    answering,
    ready: () => (client.status === 'ready' ? Promise.resolve() : within(whenReady, ignore, ignore)),
    call<T>(name: string, send: () => Promise<T>, outcome: (reply: T) => string = succeeded): Promise<T> {
      const started = performance.now();
      const tell = (word: string): void => onCommand(name, (performance.now() - started) / 1_000, word);
      const answered = (reply: T): void => {
        heardAt = performance.now();
        tell(outcome(reply));
      };
      return within(client.status === 'ready' ? send : () => whenReady().then(send), answered, (error) => tell(error.code));
    },
  };
};

const succeeded = (): string => 'ok';
const ignore = (): void => {};
