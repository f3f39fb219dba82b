import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Check } from 'typebox/schema';
import { decodeClientFrame } from '@runnel/protocol';
import { websocketApi } from './asyncapi-websocket.ts';

interface Document {
  channels: { ws: { messages: Record<string, { $ref: string }> } };
  operations: Record<string, { messages: { $ref: string }[] }>;
  components: { messages: Record<string, { payload: { schema: object } }> };
}
const committed = readFileSync(join(import.meta.dirname, '../../docs/websocket.asyncapi.json'), 'utf8');
const document = JSON.parse(committed) as Document;
const protocol = readFileSync(join(import.meta.dirname, '../../PROTOCOL.md'), 'utf8');
const fits = (name: string, value: unknown): boolean => Check(document.components.messages[name]!.payload.schema, value);

test('docs/websocket.asyncapi.json is what the schemas of frames and events say: `npm run docs` writes it', () => {
  expect(committed).toBe(websocketApi());
});

test('each frame and event of the document stands in PROTOCOL.md, and each reference leads somewhere', () => {
  const names = Object.keys(document.components.messages);
  expect(names.length).toBeGreaterThan(25);
  expect(names.filter((name) => !protocol.includes(`\`${name.split('.')[1]}\``) && !protocol.includes(`\`${name.split('.')[1]} `))).toEqual(
    [],
  );
  expect(Object.keys(document.channels.ws.messages)).toEqual(names);
  const used = Object.values(document.operations).flatMap(({ messages }) => messages.map(({ $ref }) => $ref.split('/').at(-1)));
  expect(used).toEqual(names);
});

test('a reader of the document accepts the frames that a gateway accepts, and refuses those that it refuses', () => {
  const frames: [string, object][] = [
    ['hello', { type: 'hello', protocol: 1, later: true }],
    ['hello', { type: 'hello', protocol: '1' }],
    ['follow', { type: 'follow', conversationId: 'c1', cursor: { logId: 'l', offset: 4 } }],
    ['follow', { type: 'follow', conversationId: 'c/1' }],
    ['prompt', { type: 'prompt', id: 'a', conversationId: 'c1', messageId: 'm1', text: 'Chào' }],
    ['prompt', { type: 'prompt', conversationId: 'c1', messageId: 'm1' }],
    ['decide', { type: 'decide', conversationId: 'c1', runId: 'r1', partId: 'p', decision: 'answer', text: '' }],
    ['decide', { type: 'decide', conversationId: 'c1', runId: 'r1', partId: 'p', decision: 'maybe' }],
  ];
  for (const [type, frame] of frames) {
    expect(fits(`frame.${type}`, frame), JSON.stringify(frame)).toBe(decodeClientFrame(JSON.stringify(frame)).error === undefined);
  }
});
