import { createHash } from 'node:crypto';
import { Command, ReplyError } from 'ioredis';
import type { RedisCaller } from './client/caller.ts';
import type { RedisClient } from './client/connect.ts';
import { keyName, shardOf, slotOfShard, type KeyName } from './keys.ts';
import { checkIds } from '../messages.ts';
import { appendOutcomeOf, toAppendResult, type AppendReply } from './replies.ts';
import type { AppendChunk, RunLog } from '../run-log/run-log.ts';
import { runKey, type OwnedRun } from '../run-ref.ts';
import { loadScript, type ScriptRunner } from './scripts.ts';

/** What all appends of a run begin with, encoded once: the script, its keys, and the arguments that never change. */
interface Head {
  conversationId: string;
  epoch: number;
  slot: number;
  bytes: string;
}

/** Runs whose head is cached; a head has a kilobyte at most, and is rebuilt after it was dropped. */
const MOST_HEADS = 4_096;

/** One part of a command as RESP has it. */
const bulk = (part: string | number): string => {
  const text = typeof part === 'string' ? part : String(part);
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
};

/** A command whose bytes are ready: the client finds the node, sends them, and brings the reply or the error, as of any other. */
class PreparedCommand extends Command {
  readonly #slot: number;
  readonly #bytes: string;

  constructor(slot: number, bytes: string) {
    super('evalsha', [], { replyEncoding: 'utf8' });
    this.#slot = slot;
    this.#bytes = bytes;
  }
  override getSlot(): number {
    return this.#slot;
  }
  override toWritable(): string {
    return this.#bytes;
  }
}

const isUnknownScript = (error: unknown): boolean => error instanceof ReplyError && (error as Error).message.startsWith('NOSCRIPT');

/**
 * `RunLog.appendChunk`: sends `append-chunk`, the one command that runs for every piece of every answer. It does what `ScriptRunner.run` does, but names of
 * keys, their slot and their encoding are made once a run and not once a piece (docs/performance-hot-path.md).
 */
export const createAppends = (client: RedisClient, scripts: ScriptRunner, caller: Pick<RedisCaller, 'call'>): RunLog['appendChunk'] => {
  const script = loadScript('append-chunk');
  const sha = createHash('sha1').update(script.lua).digest('hex');
  const heads = new Map<string, Head>();

  const makeHead = ({ conversationId, runId, epoch }: OwnedRun): Head => {
    checkIds(conversationId, runId);
    const shard = shardOf(conversationId);
    const keys = script.keys.map((key) => keyName(key as KeyName, { shard, conversationId, runId }));
    const parts = ['evalsha', sha, keys.length, ...keys, conversationId, runId, epoch];
    // Three more follow with each piece: at, chunk, t.
    const bytes = `*${parts.length + 3}\r\n${parts.map(bulk).join('')}`;
    return { conversationId, epoch, slot: slotOfShard(shard), bytes };
  };
  const headOf = (run: OwnedRun): Head => {
    const known = heads.get(runKey(run));
    if (known?.epoch === run.epoch) return known;
    const head = makeHead(run);
    if (heads.size >= MOST_HEADS) heads.delete(heads.keys().next().value!);
    heads.set(runKey(run), head);
    return head;
  };

  const send = (command: AppendChunk): Promise<AppendReply> => {
    const { slot, bytes } = headOf(command);
    const { conversationId, runId, epoch, at, text, t } = command;
    const sent = client.sendCommand(new PreparedCommand(slot, bytes + bulk(at) + bulk(text) + bulk(t))) as Promise<AppendReply>;
    return sent.catch(async (error: unknown) => {
      if (!isUnknownScript(error)) throw error;
      // This Redis does not have the script (new, or after SCRIPT FLUSH): the runner sends its text.
      const parts = { shard: shardOf(conversationId), conversationId, runId };
      return (await scripts.run('append-chunk', parts, { epoch, at, chunk: text, t })) as AppendReply;
    });
  };
  return (command) => caller.call('append-chunk', () => send(command), appendOutcomeOf).then(toAppendResult);
};
