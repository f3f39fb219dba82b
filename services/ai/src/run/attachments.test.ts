import { RunnelError, type Part } from '@runnel/protocol';
import type { FileContent } from '@runnel/files';
import { expect, test } from 'vitest';
import { messageBlocks, messageText } from '../models/message-blocks.ts';
import { anthropicMessages } from '../models/remote/anthropic-messages.ts';
import { openAiChat } from '../models/remote/openai-chat.ts';
import type { ModelMessage } from '../models/provider.ts';
import type { Model } from '../models/registry.ts';
import { createFastClock } from '../../testing/fast-clock.ts';
import { withContents } from './attachments.ts';

const file = (fileId: string, mediaType = 'text/plain'): Part => ({
  ...{ partId: `p-${fileId}`, index: 0, at: 0, kind: 'file', state: 'done', fileId, name: `${fileId} "1"`, mediaType, bytes: 3 },
  ...(mediaType.startsWith('text/') && { tokens: 1 }),
});
const picture = (fileId: string): Part => file(fileId, 'image/png');
const asks = (...parts: Part[]): ModelMessage => ({ role: 'user', text: 'what?', ...(parts.length > 0 && { parts }) });
const answer: ModelMessage = { role: 'assistant', text: 'well' };
const model = (vision: boolean): Model => ({ info: { vision } }) as Model;

/** A store in which every file is there, but for those named. */
const store = (change: Record<string, FileContent | null | Error[]> = {}) => {
  const read: string[] = [];
  return {
    read,
    async content(fileId: string): Promise<FileContent | null> {
      read.push(fileId);
      const kept = change[fileId];
      const failure = Array.isArray(kept) ? kept.shift() : undefined;
      if (failure) throw failure;
      if (kept !== undefined && !Array.isArray(kept)) return kept;
      return fileId.startsWith('pic')
        ? { kind: 'picture', mediaType: 'image/jpeg', bytes: Buffer.from(fileId) }
        : { kind: 'text', text: `text of ${fileId}` };
    },
  };
};
const load = async (messages: ModelMessage[], { vision = true, files = store() as ReturnType<typeof store> | null } = {}) =>
  withContents({ messages }, model(vision), { files, clock: createFastClock() });

test('a thread without files is handed on as it is, and nothing is read', async () => {
  const asked = { messages: [asks(), answer, asks()] };
  const files = store();
  expect(await withContents(asked, model(false), { files })).toBe(asked);
  expect(files.read).toEqual([]);
});

test('files go before the words about them, in their order, named so that no name ends its quotes', async () => {
  const { messages } = await load([asks(file('a'), picture('pic'))]);
  expect(messageBlocks(messages[0]!)).toEqual([
    { text: 'File "a \\"1\\"" (text/plain):\ntext of a\nEnd of file "a \\"1\\"".' },
    { text: 'File "pic \\"1\\"":' },
    { picture: Buffer.from('pic').toString('base64'), mediaType: 'image/jpeg' },
    { text: 'what?' },
  ]);
});

test('a question that is files only has no empty text behind them', async () => {
  const { messages } = await load([{ ...asks(picture('pic')), text: '' }]);
  expect(messageBlocks(messages[0]!).at(-1)).toEqual({ picture: Buffer.from('pic').toString('base64'), mediaType: 'image/jpeg' });
  expect(messageBlocks({ role: 'user', text: '' })).toEqual([{ text: '' }]);
});

test('providers get a picture in their own words, and text alone as before', async () => {
  const { messages } = await load([asks(picture('pic')), answer, asks(file('a'))]);
  const request = { model: 'm', messages, prefix: '' };
  const data = Buffer.from('pic').toString('base64');
  const settings = { baseURL: 'http://x', canContinue: false };
  const openAi = openAiChat(settings).body(request) as { messages: { content: unknown }[] };
  expect(openAi.messages.map(({ content }) => content)).toEqual([
    [
      { type: 'text', text: 'File "pic \\"1\\"":' },
      { type: 'image_url', image_url: { url: `data:image/jpeg;base64,${data}` } },
      { type: 'text', text: 'what?' },
    ],
    'well',
    messageText(messages[2]!),
  ]);
  const anthropic = anthropicMessages(settings).body(request) as { messages: { content: unknown[] }[] };
  expect(anthropic.messages[0]!.content[1]).toEqual({ type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data } });
  expect(anthropic.messages[1]!.content).toEqual([{ type: 'text', text: 'well' }]);
});

test('a model that sees nothing is not asked about a picture, and reads of an earlier one that it is there', async () => {
  const { error } = await load([asks(picture('pic'))], { vision: false });
  expect(error).toMatchObject({ code: 'model-unfit' });
  const files = store();
  const later = await load([asks(picture('pic')), answer, asks(file('a'))], { vision: false, files });
  expect(messageText(later.messages[0]!)).toBe('File "pic \\"1\\"", which you cannot see.\n\nwhat?');
  expect(files.read).toEqual(['a']);
});

test('a file that was deleted meanwhile, or of a place without files, is named and said to be gone', async () => {
  for (const files of [store({ a: null }), null]) {
    const { messages } = await load([asks(file('a'))], { files });
    expect(messageText(messages[0]!)).toBe('File "a \\"1\\"", which is not there any more.\n\nwhat?');
  }
});

test('the newest pictures are given, and no more than a provider takes; the newest texts, and no more than there is room for', async () => {
  const many = Array.from({ length: 22 }, (_, index) => asks(picture(`pic${index}`)));
  const { messages } = await load(many);
  const seen = messages.map(({ files }) => files![0]!.content !== null);
  expect([seen.filter(Boolean).length, seen[1], seen[2]]).toEqual([20, false, true]);

  const large: FileContent = { kind: 'text', text: 'x'.repeat(24 * 1024 * 1024) };
  const thread = await load([asks(file('old')), answer, asks(file('new'))], { files: store({ new: large }) });
  expect(messageText(thread.messages[0]!)).toContain('there is no room for it');
});

test('P-10 a store of files that is away for a moment is asked again; one that stays away fails the answer, a bug of it at once', async () => {
  const away = (): RunnelError => new RunnelError('unavailable');
  const moment = store({ a: [away(), away()] });
  expect(messageText((await load([asks(file('a'))], { files: moment })).messages[0]!)).toContain('text of a');
  expect(moment.read).toHaveLength(3);
  const dead = store({ a: Array.from({ length: 10_000 }, away) });
  expect((await load([asks(file('a'))], { files: dead })).error).toMatchObject({ code: 'unavailable' });
  const broken = store({ a: [new Error('bug')] });
  expect((await load([asks(file('a'))], { files: broken })).error).toMatchObject({ code: 'unavailable' });
  expect(broken.read).toHaveLength(1);
});
