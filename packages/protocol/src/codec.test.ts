import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeClientFrame } from './codec.ts';
import type { RunnelError } from './errors.ts';
import type { ClientFrame } from './frames.ts';
import { readChunkOffset, readPrefix } from './prefix.ts';
import { checkText, DEFAULT_LIMITS } from './text.ts';
import { writtenLog } from './testing/log-arbitrary.ts';

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const echo = fc.option(fc.oneof(fc.integer(), fc.string({ maxLength: 128 })), { nil: undefined });
const model = fc.option(fc.string({ minLength: 1, maxLength: 200 }), { nil: undefined });
const cursor = fc.option(fc.record({ logId: id, offset: fc.nat() }), { nil: null });

const validFrame = fc.oneof(
  fc.record({ type: fc.constant('hello'), protocol: fc.integer() }),
  fc.record({ type: fc.constant('follow'), id: echo, conversationId: id, cursor }),
  fc.record({ type: fc.constant('unfollow'), id: echo, conversationId: id }),
  fc.record({
    type: fc.constant('prompt'),
    id: echo,
    conversationId: id,
    messageId: id,
    text: fc.string(),
    parentId: fc.option(id),
    runId: id,
    model,
  }),
  fc.record({ type: fc.constant('regenerate'), id: echo, conversationId: id, parentId: id, model }),
  fc.record({ type: fc.constant('cancel'), id: echo, conversationId: id, runId: id }),
  fc.record({ type: fc.constant('delete'), id: echo, conversationId: id, messageId: id }),
  fc.record({ type: fc.constant('typing'), id: echo, conversationId: id, active: fc.boolean() }),
  fc.record({ type: fc.constant('ping'), t: fc.integer() }),
) as fc.Arbitrary<ClientFrame>;

const codeOf = (text: string): string | undefined => decodeClientFrame(text).error?.code;

describe('decodeClientFrame', () => {
  test('every frame of the protocol is read as it was written, unknown fields included', () => {
    fc.assert(
      fc.property(validFrame, (frame) => {
        const text = JSON.stringify({ ...frame, ofALaterVersion: true });
        expect(decodeClientFrame(text).frame).toEqual(JSON.parse(text));
      }),
    );
  });

  test('it never throws, whatever arrives', () => {
    const nearly = fc
      .tuple(validFrame, fc.string(), fc.jsonValue())
      .map(([frame, key, value]) => JSON.stringify({ ...frame, [key]: value, conversationId: value }));
    const anything = fc.oneof(fc.string(), fc.json(), nearly);
    fc.assert(
      fc.property(anything, (text) => {
        const { frame, error } = decodeClientFrame(text);
        expect([frame, error].filter((part) => part !== undefined)).toHaveLength(1);
      }),
    );
  });

  test('what is no frame is `bad-frame`, an unknown type is `unknown-type`', () => {
    for (const text of ['', 'x', '1', 'null', '[]', '"hello"', '{}', '{"type":1}']) expect(codeOf(text)).toBe('bad-frame');
    for (const type of ['nothing', 'toString', '__proto__', 'constructor']) expect(codeOf(JSON.stringify({ type }))).toBe('unknown-type');
  });

  test('an error names the id of the frame it answers, where the frame has one', () => {
    expect(decodeClientFrame('{"type":"cancel","id":7}')).toMatchObject({ id: 7, error: { code: 'bad-frame' } });
    expect(decodeClientFrame('{"type":"cancel","id":{}}')).not.toHaveProperty('id');
  });

  test('ids are checked before they can reach a key or a URL', () => {
    for (const conversationId of ['', 'a b', '../x', 'a:b', '{c}', 'x'.repeat(65), 'é', 5, null]) {
      expect(codeOf(JSON.stringify({ type: 'unfollow', conversationId }))).toBe('bad-frame');
    }
  });
});

describe('checkText', () => {
  const refusal = (text: string, textChars = DEFAULT_LIMITS.textChars): string | undefined => {
    try {
      return void checkText(text, { textChars });
    } catch (error) {
      return (error as RunnelError).code;
    }
  };

  test('W-6 the limit counts characters after trimming, not UTF-16 units', () => {
    expect(refusal('🙂'.repeat(5), 5)).toBeUndefined();
    expect(refusal(`  ${'a'.repeat(5)}\n`, 5)).toBeUndefined();
    expect(refusal('a'.repeat(6), 5)).toBe('too-long');
    expect(refusal('🙂'.repeat(6), 5)).toBe('too-long');
  });

  test('W-6 white space alone is empty', () => {
    for (const text of ['', ' ', '\n\t ', '\u00a0']) expect(refusal(text)).toBe('empty');
  });

  test('W-6 what is accepted is stored as it is, once: checking again changes nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        fc.pre(text.trim() !== '');
        const stored = checkText(text, DEFAULT_LIMITS);
        expect(stored.isWellFormed()).toBe(true);
        expect(checkText(stored, DEFAULT_LIMITS)).toBe(stored);
      }),
    );
  });
});

describe('readPrefix', () => {
  test('every event of the log begins with what routing needs', () => {
    fc.assert(
      fc.property(writtenLog(), (log) => {
        for (const event of log.events) {
          const { type, conversationId, offset } = event;
          const json = JSON.stringify(event);
          expect(readPrefix(json)).toEqual({ type, conversationId, offset });
          expect(readChunkOffset(json, conversationId)).toBe(type === 'chunk' ? offset : 0);
          expect(readChunkOffset(json, `${conversationId}x`)).toBe(0);
        }
      }),
    );
  });

  test('it needs no more than the head of a long event, and reads nothing out of a text', () => {
    const head = '{"type":"chunk","conversationId":"c1","offset":12,"runId":"a1","at":0,"t":0,"text":"{\\"type\\":\\"title\\"';
    expect(readPrefix(head)).toEqual({ type: 'chunk', conversationId: 'c1', offset: 12 });
    expect(readChunkOffset(head, 'c1')).toBe(12);
    for (const other of [
      '',
      '{"type":"chunk","conversationId":"c1","offset":12',
      '{"type":"chunk","conversationId":"c1","offset":-1,',
      '{}',
      '{"type":"reset","conversationId":"c1"}',
      ` ${head}`,
      '{"type":"snapshot","conversationId":"c1","logId":null,"offset":0}',
    ]) {
      expect(readPrefix(other)).toBeNull();
      expect(readChunkOffset(other, 'c1')).toBe(0);
    }
  });
});
