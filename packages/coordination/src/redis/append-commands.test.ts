import { createHash } from 'node:crypto';
import { Command } from 'ioredis';
import { expect, test } from 'vitest';
import { createAppends } from './append-commands.ts';
import type { RedisClient } from './client/connect.ts';
import { keyName, shardOf, slotOfShard, type KeyName } from './keys.ts';
import type { AppendChunk } from '../run-log/run-log.ts';
import { loadScript, type ScriptRunner } from './scripts.ts';

const script = loadScript('append-chunk');
const sha = createHash('sha1').update(script.lua).digest('hex');

const open = () => {
  const sent: Command[] = [];
  const client = { sendCommand: (command: Command) => (sent.push(command), Promise.resolve(1)) } as unknown as RedisClient;
  return { sent, append: createAppends(client, {} as ScriptRunner, { call: (_name, send) => send() }) };
};

const chunk = (change: Partial<AppendChunk> = {}): AppendChunk => ({
  conversationId: 'c1',
  runId: 'r1',
  epoch: 1,
  at: 7,
  text: ' w000002',
  t: 1_700_000_000_000,
  ...change,
});

/** What the client itself would send for the script. */
const plain = ({ conversationId, runId, epoch, at, text, t }: AppendChunk): Command => {
  const keys = script.keys.map((key) => keyName(key as KeyName, { shard: shardOf(conversationId), conversationId, runId }));
  return new Command('evalsha', [sha, keys.length, ...keys, conversationId, runId, epoch, at, text, t]);
};

test('the header’s last arguments are those that change with each piece', () => {
  expect(script.args).toEqual(['conversationId', 'runId', 'epoch', 'at', 'chunk', 't']);
});

test('sends what the client would have sent, to the slot of its keys', () => {
  const { sent, append } = open();
  const chunks = [
    chunk(),
    chunk({ at: 15, text: ' xin chào 😀 "\r\n$3\r\n' }),
    chunk({ text: 'a lone \ud83d' }),
    chunk({ text: '' }),
    chunk({ epoch: 2 }),
    chunk({ conversationId: 'c2' }),
    chunk({ runId: 'r2' }),
    chunk(),
  ];
  for (const one of chunks) void append(one);
  for (const [index, one] of chunks.entries()) {
    expect(sent[index]!.toWritable({})).toBe(plain(one).toWritable({}));
    expect(sent[index]!.getSlot()).toBe(slotOfShard(shardOf(one.conversationId)));
  }
});

test('keeps a bounded number of heads, and makes those again that it dropped', () => {
  const { sent, append } = open();
  for (let i = 0; i < 5_000; i++) void append(chunk({ runId: `r${i}` }));
  void append(chunk({ runId: 'r0', at: 15 }));
  expect(sent.at(-1)!.toWritable({})).toBe(plain(chunk({ runId: 'r0', at: 15 })).toWritable({}));
});

test('nothing of the text is left in what an error is told with', () => {
  const { sent, append } = open();
  void append(chunk({ text: 'secret' }));
  expect(JSON.stringify([sent[0]!.name, sent[0]!.args])).toBe('["evalsha",[]]');
});

test('refuses malformed ids, which would become parts of keys', () => {
  const { sent, append } = open();
  expect(() => append(chunk({ runId: 'a}b' }))).toThrow('malformed');
  expect(sent).toEqual([]);
});
