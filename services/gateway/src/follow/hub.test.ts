import { expect, test } from 'vitest';
import { Screen } from '../../testing/screen.ts';
import { C, startHub } from '../../testing/test-hub.ts';

test('W-7 the subscription is acknowledged before the log is read', async () => {
  const { log, follow, pass } = startHub();
  follow();
  await pass();
  expect(log.calls).toEqual(['follow', 'read']);
});

test('W-7 a conversation that does not exist begins empty, and its first event names the log', async () => {
  const { begin, follow, pass } = startHub();
  const { screen } = follow();
  await pass();
  expect(screen.state).toMatchObject({ logId: null, offset: 0 });
  await begin();
  await pass();
  expect(screen.state.logId).not.toBeNull();
  expect(screen.types.slice(0, 2)).toEqual(['snapshot', 'live']);
  expect(screen.types).not.toContain('gap');
});

test('W-7 a known cursor gets the missed events, then live', async () => {
  const { hub, owner, begin, follow, pass } = startHub();
  await begin();
  await owner.say('r1', 'one ');
  const { screen, handle } = follow();
  await pass();
  handle.close();
  await owner.say('r1', 'two ');
  const again = hub.follow({
    conversationId: C,
    userId: 'ann',
    cursor: { logId: screen.state.logId!, offset: screen.state.offset },
    sink: screen,
  });
  await pass();
  expect(screen.text('r1')).toBe('one two ');
  expect(screen.snapshots).toBe(1);
  expect(screen.types.slice(-3)).toEqual(['chunk', 'live', 'presence']);
  expect(again.live).toBe(true);
});

test('what comes live while the log is read is neither lost nor doubled', async () => {
  const { log, owner, begin, follow, pass } = startHub();
  await begin();
  let release = () => {};
  log.beforeRead = () => new Promise((resolve) => (release = resolve));
  const { screen } = follow();
  await pass();
  await owner.say('r1', 'early ');
  await pass();
  release();
  await pass();
  await owner.say('r1', 'late');
  await pass();
  expect(screen.text('r1')).toBe('early late');
});

test('somebody else is refused, once and for all', async () => {
  const { owner, begin, follow, pass } = startHub();
  await begin();
  const { screen, handle } = follow(new Screen(C), null, 'bob');
  await pass();
  expect(screen.errors.map((e) => e.code)).toEqual(['forbidden']);
  expect(screen.types).toEqual([]);
  expect(handle.live).toBe(false);
  await owner.say('r1', 'secret');
  await pass(60_000);
  expect(screen.types).toEqual([]);
});

test('a reload storm shares reads and bytes', async () => {
  const { log, begin, follow, pass } = startHub();
  await begin();
  const screens = Array.from({ length: 200 }, () => follow().screen);
  await pass(100);
  expect(screens.every((s) => s.snapshots === 1)).toBe(true);
  expect(log.calls.filter((c) => c === 'read').length).toBeLessThanOrEqual(2);
  expect(log.calls.filter((c) => c === 'follow').length).toBe(1);
});

test('P-1 a reader that comes while a read is under way gets one of its own: what happened before it came is in it', async () => {
  const { log, owner, begin, follow, pass } = startHub();
  await begin();
  const held: (() => void)[] = [];
  log.beforeRead = () => new Promise((resolve) => held.push(resolve));
  follow();
  await pass();
  log.channel = 'dead';
  await owner.say('r1', 'x');
  const { screen } = follow();
  await pass(60);
  for (const release of held) release();
  await pass();
  expect(log.calls.filter((c) => c === 'read')).toHaveLength(2);
  expect(screen.text('r1')).toBe('x');
});

test('a subscription lingers for a reload and is closed after it', async () => {
  const { log, follow, pass } = startHub();
  const first = follow();
  await pass();
  first.handle.close();
  await pass(1000);
  follow().handle.close();
  await pass();
  expect(log.calls.filter((c) => c === 'follow')).toHaveLength(1);
  await pass(3000);
  follow();
  await pass();
  expect(log.calls.filter((c) => c === 'follow')).toHaveLength(2);
});

test('P-5 sawEnd tells when the end of a run passes, and when it does not', async () => {
  const { hub, owner, begin, follow, pass } = startHub();
  await begin();
  follow();
  await pass();
  const saw = hub.sawEnd(C, 'r1', 100);
  await owner.end('r1');
  await pass();
  await expect(saw).resolves.toBe(true);
  const never = hub.sawEnd(C, 'r1', 100);
  await pass(100);
  await expect(never).resolves.toBe(false);
});
