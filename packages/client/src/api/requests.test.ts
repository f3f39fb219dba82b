import type { ClientFrame } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import { createRequests, MAX_OPEN_REQUESTS, REQUEST_DEADLINE_MS } from './requests.ts';
import { createFakeClock } from '../../testing/fake-clock.ts';

const cancel = { type: 'cancel', conversationId: 'c1', runId: 'a1' } as const;

const setup = (connected = true) => {
  const clock = createFakeClock();
  const sent: ClientFrame[] = [];
  const line = { connected };
  const requests = createRequests({
    clock,
    transmit(frame) {
      if (line.connected) sent.push(frame);
      return line.connected;
    },
  });
  return { clock, sent, line, requests };
};
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'ok',
    (error: { code: string }) => error.code,
  );

test('an answer settles the command with its id, once, and no other', async () => {
  const { requests, sent, clock } = setup();
  const first = requests.send(cancel);
  const second = requests.send(cancel);
  expect(sent.map((frame) => frame.id)).toEqual([1, 2]);
  expect(requests.settle({ type: 'ok', id: 2, outcome: 'already-ended' })).toBe(true);
  expect(requests.settle({ type: 'ok', id: 2 })).toBe(false);
  expect(requests.settle({ type: 'ok', id: 'other' })).toBe(false);
  expect(requests.settle({ type: 'error', id: 1, code: 'forbidden', message: '', retryable: false })).toBe(true);
  await expect(second).resolves.toMatchObject({ outcome: 'already-ended' });
  await expect(codeOf(first)).resolves.toBe('forbidden');
  expect(clock.pending()).toBe(0);
});

describe('reconnecting', () => {
  test('W-4 what is open is sent again, unchanged, on the next connection', () => {
    const { requests, sent, line } = setup();
    void requests.send(cancel);
    line.connected = false;
    requests.disconnected();
    line.connected = true;
    requests.connected();
    expect(sent).toEqual([
      { ...cancel, id: 1 },
      { ...cancel, id: 1 },
    ]);
  });

  test('a command given without a connection goes out with the first one', () => {
    const { requests, sent, line } = setup(false);
    void requests.send(cancel);
    line.connected = true;
    requests.connected();
    expect(sent).toHaveLength(1);
  });

  test('what one user asked is not asked again in the name of the next', async () => {
    const { requests, sent } = setup();
    const answer = codeOf(requests.send(cancel));
    requests.forget();
    requests.connected();
    await expect(answer).resolves.toBe('unavailable');
    expect(sent).toHaveLength(1);
  });

  test('what belongs to one connection ends with it', async () => {
    const { requests } = setup();
    const follow = requests.send({ type: 'follow', conversationId: 'c1' }, { resend: false });
    requests.disconnected();
    await expect(codeOf(follow)).resolves.toBe('unavailable');
  });
});

test('no command waits longer than its deadline, connected or not', async () => {
  for (const connected of [true, false]) {
    const { requests, clock } = setup(connected);
    const answer = codeOf(requests.send(cancel));
    await clock.advance(REQUEST_DEADLINE_MS);
    await expect(answer).resolves.toBe('unavailable');
  }
});

test('P-8 the number of open commands is bounded', async () => {
  const { requests } = setup(false);
  for (let i = 0; i < MAX_OPEN_REQUESTS; i++) requests.send(cancel).catch(() => undefined);
  await expect(codeOf(requests.send(cancel))).resolves.toBe('overloaded');
});

test('an error of a later version is `internal`, and its message is kept', async () => {
  const { requests } = setup();
  const answer = requests.send(cancel);
  requests.settle({ type: 'error', id: 1, code: 'of-later' as 'busy', message: 'new', retryable: true });
  await expect(answer).rejects.toMatchObject({ code: 'internal', message: 'new' });
});
