import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Answer, AnswerPiece } from './answer.ts';
import { settle, until } from '../../testing/fake-clock.ts';
import { setup } from '../../testing/test-client.ts';
import { chunk, ended, live, shown, snapshot, started } from '../../testing/wire.ts';

/** Reads in the background; `shown` follows the rule of `at`. */
const reader = (answer: Answer) => {
  const seen = { shown: '', pieces: [] as AnswerPiece[], done: false, error: undefined as unknown };
  const read = async (): Promise<void> => {
    for await (const piece of answer) {
      seen.pieces.push(piece);
      seen.shown = seen.shown.slice(0, piece.at) + piece.text;
    }
  };
  void read().then(
    () => (seen.done = true),
    (error: unknown) => (seen.error = error),
  );
  return seen;
};

test('an answer is read piece by piece, and its end says that the text is proved', async () => {
  const { net, begin } = await setup();
  const answer = begin().answer('a1');
  const seen = reader(answer);
  for (const event of [started(1), chunk(2, 0, 'one '), chunk(3, 4, 'two')]) {
    net.link.event(event);
    await settle();
  }
  expect(seen.pieces).toEqual([
    { at: 0, text: 'one ' },
    { at: 4, text: 'two' },
  ]);
  expect(seen.done).toBe(false);
  net.link.event(ended(4, 'one two'));
  expect(await answer.ended).toEqual({ runId: 'a1', reason: 'complete', text: 'one two', verified: true });
  await until(() => seen.done);
});

test.each([
  ['the missing events', (offset: number) => [chunk(3, 4, 'two'), ended(4, 'one two'), live(offset)]],
  ['a snapshot of the running answer', () => [snapshotRunning('one t'), live(5), chunk(6, 5, 'wo'), ended(7, 'one two')]],
])('a connection that is lost in the middle costs no word: the follow is answered with %s', async (_, events) => {
  const { net, begin, back, follow } = await setup();
  const answer = begin().answer('a1');
  const seen = reader(answer);
  net.link.event(started(1));
  net.link.event(chunk(2, 0, 'one '));
  await settle();
  await back();
  follow(...events(4));
  expect(await answer.ended).toMatchObject({ text: 'one two', verified: true });
  await until(() => seen.done);
  expect(seen.shown).toBe('one two');
  expect(seen.pieces.map(({ text }) => text).join('')).toBe('one two');
});

const snapshotRunning = (text: string) =>
  snapshot({ offset: 5, run: { runId: 'a1', parentId: 'u1', model: 'm', epoch: 1, text, startedAt: 0 } });

test('an answer that another pod began again is cut at 0, and the same loop gives the new text', async () => {
  const { net, begin } = await setup();
  const answer = begin().answer('a1');
  const seen = reader(answer);
  net.link.event(started(1));
  net.link.event(chunk(2, 0, 'lost'));
  await settle();
  net.link.event({ type: 'run-moved', conversationId: 'c1', offset: 3, runId: 'a1', epoch: 2, bytes: 0, restarted: true });
  net.link.event(chunk(4, 0, 'kept'));
  net.link.event(ended(5, 'kept'));
  expect(await answer.ended).toMatchObject({ text: 'kept', verified: true });
  await until(() => seen.done);
  expect(seen.pieces).toEqual([
    { at: 0, text: 'lost' },
    { at: 0, text: 'kept' },
  ]);
});

test('W-10 a text that fails its digest is not the end: the answer ends with what replaced it', async () => {
  const { net, begin, follow } = await setup();
  const answer = begin().answer('a1');
  const seen = reader(answer);
  for (const event of [started(1), chunk(2, 0, 'wrong'), ended(3, 'right')]) net.link.event(event);
  await until(() => net.link.all('follow').length === 2);
  const message = { messageId: 'a1', parentId: 'u1', role: 'assistant', status: 'complete', createdAt: 0 } as const;
  follow(snapshot({ offset: 3, messages: [{ ...message, text: 'right' }] }), live(3));
  expect(await answer.ended).toMatchObject({ text: 'right', verified: true });
  await until(() => seen.done);
  expect(seen.shown).toBe('right');
});

test('W-10 where the snapshot fails the digest too, the end says that the text is not verified', async () => {
  const { net, begin, follow } = await setup();
  const answer = begin().answer('a1');
  for (const event of [started(1), chunk(2, 0, 'wrong'), ended(3, 'right')]) net.link.event(event);
  await until(() => net.link.all('follow').length === 2);
  const message = { messageId: 'a1', parentId: 'u1', role: 'assistant', status: 'complete', createdAt: 0 } as const;
  follow(snapshot({ offset: 3, messages: [{ ...message, text: 'other' }] }), live(3));
  expect(await answer.ended).toMatchObject({ text: 'other', verified: false });
});

describe('an answer fails', () => {
  test('with the error of its prompt', async () => {
    const { net, begin } = await setup();
    const chat = begin();
    const answer = chat.answer(chat.prompt('x').runId);
    const seen = reader(answer);
    net.link.error('prompt', { code: 'model-unknown' });
    await expect(answer.ended).rejects.toMatchObject({ code: 'model-unknown' });
    await until(() => seen.error !== undefined);
    expect(seen.error).toMatchObject({ code: 'model-unknown' });
  });

  test('when 15 s pass with no sign of it, but not between the prompt and its first event', async () => {
    const { net, begin, clock } = await setup();
    const chat = begin();
    const unknown = chat.answer('nowhere');
    const { messageId, runId } = chat.prompt('x');
    const asked = chat.answer(runId);
    net.link.ok('prompt', { runId, offset: 2 });
    net.link.event(shown(1, messageId));
    await clock.advance(14_000);
    net.link.event(started(2, runId));
    await clock.advance(2_000);
    await expect(unknown.ended).rejects.toMatchObject({ code: 'not-found' });
    net.link.event(ended(3, '', { runId }));
    expect(await asked.ended).toMatchObject({ runId, text: '', verified: true });
  });

  test.each([
    ['its handle', 'close' as const],
    ['the client', 'client' as const],
  ])('when %s is closed, also when it is asked for afterwards; no timer is left', async (_, what) => {
    const { net, begin, client, clock } = await setup();
    const chat = begin();
    net.link.event(started(1));
    const seen = [reader(chat.answer('a1')), reader(chat.answer('nowhere'))];
    if (what === 'close') chat.close();
    client.close();
    seen.push(reader(chat.answer('a1')));
    await until(() => seen.every(({ error }) => error !== undefined));
    expect(seen.map(({ error }) => (error as { code: string }).code)).toEqual(['unavailable', 'unavailable', 'unavailable']);
    await clock.advance(60_000);
    expect(clock.pending()).toBe(0);
  });
});

test('an answer that has ended already is given whole, as not compared with a digest', async () => {
  const { net, client, online, follow } = await setup();
  online();
  const chat = client.conversation('c1');
  const message = { messageId: 'a1', parentId: 'u1', role: 'assistant', status: 'cancelled', createdAt: 0, text: 'half' } as const;
  follow(snapshot({ offset: 9, messages: [message] }), live(9));
  const answer = chat.answer('a1');
  expect(await answer.ended).toEqual({ runId: 'a1', reason: 'cancelled', text: 'half', verified: false });
  const seen = reader(answer);
  await until(() => seen.done);
  expect(seen.shown).toBe('half');
  expect(net.link.closedByClient).toBe(false);
});

test('whatever way a text is cut into chunks and wherever it begins again, the rule of `at` gives the final text', async () => {
  const words = fc.array(fc.string({ minLength: 1, maxLength: 5, unit: fc.constantFrom('a', 'b', ' ') }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(words, words, fc.array(fc.boolean()), async (first, second, pauses) => {
      const { net, begin, client } = await setup();
      const answer = begin().answer('a1');
      const seen = reader(answer);
      let offset = 1;
      net.link.event(started(offset));
      const write = async (texts: string[]): Promise<void> => {
        let at = 0;
        for (const text of texts) {
          net.link.event(chunk(++offset, at, text));
          at += text.length;
          if (pauses[offset % (pauses.length || 1)]) await settle();
        }
      };
      await write(first);
      net.link.event({ type: 'run-moved', conversationId: 'c1', offset: ++offset, runId: 'a1', epoch: 2, bytes: 0, restarted: true });
      await write(second);
      net.link.event(ended(++offset, second.join('')));
      expect((await answer.ended).verified).toBe(true);
      await until(() => seen.done);
      expect(seen.shown).toBe(second.join(''));
      client.close();
    }),
    { numRuns: 40 },
  );
});
