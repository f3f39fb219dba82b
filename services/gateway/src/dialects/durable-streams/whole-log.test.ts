import { expect, test } from 'vitest';
import { tellsAll } from './whole-log.ts';

const events = (...all: object[]) => all.map((event, i) => ({ json: JSON.stringify({ ...event, offset: i + 1 }) }));
const message = (messageId: string, parentId: string | null = null) => ({ type: 'message', message: { messageId, parentId } });
const started = (runId: string) => ({ type: 'run-started', runId });
const chunk = (runId: string) => ({ type: 'chunk', runId, at: 0, text: 'a' });
const ended = (runId: string) => ({ type: 'run-ended', runId });
const has = (messages: string[], run: string | null = null) => ({
  messages: messages.map((messageId) => ({ messageId })),
  run: run === null ? null : { runId: run },
});

const TURN = [message('m1'), started('r1'), chunk('r1'), ended('r1')];

test('a log tells all when each message and answer of the conversation begins in it', () => {
  expect(tellsAll(events(...TURN), has(['m1', 'r1']))).toBe(true);
  expect(tellsAll(events(...TURN, message('m2', 'r1'), started('r2')), has(['m1', 'r1', 'm2'], 'r2'))).toBe(true);
  // What came after the state was read is no harm.
  expect(tellsAll(events(...TURN), has(['m1'], 'r1'))).toBe(true);
});

test.each([
  ['an owner wrote its answer again', [{ type: 'run-moved', runId: 'r1' }, chunk('r1')], has(['m1'], 'r1')],
  ['an end was written again', [ended('r1')], has(['m1', 'r1'])],
  ['the database put a conversation back, and it goes on', [message('m2', 'r1'), started('r2')], has(['m1', 'r1', 'm2'], 'r2')],
  ['… and its first question is edited', [message('m2'), started('r2')], has(['m1', 'r1', 'm2'], 'r2')],
  ['nothing has happened since', [], has(['m1', 'r1'])],
  ['a title alone', [{ type: 'title', title: 'a' }], has(['m1'])],
])('it does not when %s', (_when, log, state) => {
  expect(tellsAll(events(...log), state)).toBe(false);
});
