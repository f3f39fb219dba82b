import { RunnelError } from '@runnel/protocol';
import { PAGE_BYTES } from '../../limits.ts';
import { connectRedis } from '../client/connect.ts';
import type { KeyParts } from '../keys.ts';
import { createRedisCaller, type OnCommand } from '../client/caller.ts';
import { outcomeOf, type Reply } from '../replies.ts';
import type { ScriptArgs } from '../args/script-args.ts';
import { registerScripts } from '../scripts.ts';

type ReadName = 'read-state' | 'read-history';
type Asked<N extends ReadName> = Omit<ScriptArgs[N], 'room' | 'most'>;
type Run = <N extends ReadName>(name: N, parts: KeyParts, args: ScriptArgs[N]) => Promise<Reply>;

export interface LargeReads {
  read<N extends ReadName>(name: N, parts: KeyParts, args: Asked<N>): Promise<Reply>;
  close(): void;
}

/** What goes over the connection of all commands: a command behind it waits for a millisecond at most. */
const SMALL_BYTES = 64 * 1024;
/** Large answers on their way at once, and reads that wait for their turn: an answer of 8 MiB is as much memory here as in Redis. */
const WIDTH = 1;
const MOST_WAITING = 256;

/**
 * Reads whose answers are large, on a connection of their own: one of 8 MiB would stand before everybody's commands. A read asks on
 * the common connection first and learns there that its answer is large, so small ones, which nearly all are, cost what they did.
 */
export const createLargeReads = (
  url: string,
  { onCommand, onError, deadlineMs }: { onCommand: OnCommand | undefined; onError: (error: Error) => void; deadlineMs: number },
  run: Run,
): LargeReads => {
  let running = 0;
  const waiting: (() => void)[] = [];
  let own: { run: Run; close(): void } | undefined;
  let closed = false;

  const connection = (): { run: Run; close(): void } => {
    if (closed) throw new RunnelError('unavailable', 'The connection is closed.');
    if (own) return own;
    const client = connectRedis(url, onError, deadlineMs);
    const scripts = registerScripts(client);
    const caller = createRedisCaller(client, onCommand, deadlineMs);
    own = {
      run: async (name, parts, args) => (await caller.call(name, () => scripts.runLarge(name, parts, args), outcomeOf)) as Reply,
      close: () => client.disconnect(),
    };
    return own;
  };

  const inTurn = async <T>(read: () => Promise<T>): Promise<T> => {
    // A read that ends hands its place over, so `running` counts places.
    if (running < WIDTH) running++;
    else if (waiting.length >= MOST_WAITING)
      throw new RunnelError('overloaded', 'Too many long answers are being read.', { retryAfterMs: 1000 });
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await read();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };

  return {
    async read(name, parts, args) {
      const asked = { ...args, room: PAGE_BYTES } as unknown as Omit<ScriptArgs[typeof name], 'most'>;
      const reply = await run(name, parts, { ...asked, most: SMALL_BYTES } as ScriptArgs[typeof name]);
      if (reply[0] !== 'large') return reply;
      return inTurn(() => connection().run(name, parts, { ...asked, most: 0 } as ScriptArgs[typeof name]));
    },
    close() {
      closed = true;
      own?.close();
    },
  };
};
