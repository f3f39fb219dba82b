import { expect, test, vi } from 'vitest';
import { WaitingPlaces } from './waiting-places.ts';
import { Screen } from '../../testing/screen.ts';
import { C, startHub } from '../../testing/test-hub.ts';

const promptIn = (conversationId: string, n = 1) => ({
  ...{ conversationId, userId: 'ann', runId: `r${n}`, model: 'default', title: 'hi' },
  message: { messageId: `m${n}`, text: 'hi' },
});

test('B7 whoever follows a run that waits is told its place, also who comes later, and that it waits no longer', async () => {
  const { log, follow, pass, owner } = startHub();
  const hints = (screen: Screen): unknown[] => screen.hints.filter(({ type }) => type === 'queued-run').map(({ place }) => place);
  for (let n = 1; n <= 2; n++) {
    await log.beginRun(promptIn(`other-${n}`));
    await pass(5);
  }
  const { screen } = follow();
  await log.beginRun(promptIn(C));
  await pass(900);
  expect(hints(screen)).toEqual([]);
  await pass(2_000);
  expect(hints(screen)).toEqual([3]);
  await owner.claim({ conversationId: 'other-1', runId: 'r1' });
  await pass(1_100);
  expect(hints(screen)).toEqual([3, 2]);
  const late = follow().screen;
  await pass();
  expect(hints(late)).toEqual([2]);
  await owner.claim({ conversationId: C, runId: 'r1' });
  await pass(1_100);
  expect(hints(screen)).toEqual([3, 2, 0]);
  await owner.say('r1', 'one ');
  await pass(1_100);
  expect(hints(screen)).toEqual([3, 2, 0]);
});

test('B7 one question for all who wait, and none while nobody does', async () => {
  const { log, hub, pass, owner } = startHub();
  const asked = vi.spyOn(log, 'placesInLine');
  await pass(3_000);
  expect(asked).not.toHaveBeenCalled();
  for (let n = 0; n < 200; n++) {
    await log.beginRun(promptIn(`c${n}`));
    hub.follow({ conversationId: `c${n}`, userId: 'ann', cursor: null, sink: new Screen(`c${n}`) });
  }
  await pass(3_000);
  expect(asked.mock.calls.length).toBeLessThanOrEqual(3);
  expect(asked.mock.lastCall![0]).toHaveLength(200);
  await owner.claim({ conversationId: 'c0', runId: 'r1' });
});

test('B7 the longest line is what is told, and none once nobody waits', async () => {
  const { log } = startHub();
  const told: number[] = [];
  const places = new WaitingPlaces(log, (place) => told.push(place));
  for (let n = 0; n < 3; n++) await log.beginRun(promptIn(`line-${n}`));
  const rooms = [0, 1, 2].map((n) => ({ unwritten: { conversationId: `line-${n}`, runId: 'r1', since: 0 }, tellPlace: vi.fn() }));
  places.tick(2_000, rooms);
  await vi.waitFor(() => expect(told).toHaveLength(1));
  expect(told).toEqual([Math.max(...rooms.map(({ tellPlace }) => tellPlace.mock.lastCall![1] as number))]);
  places.tick(4_000, []);
  expect(told).toEqual([expect.any(Number), 0]);
});
