import { describe, expect, test } from 'vitest';
import { startHub } from '../../testing/test-hub.ts';

describe('when the channel fails', () => {
  test('W-7 a lost event is a gap, and a gap is read', async () => {
    const { log, owner, begin, follow, pass } = startHub();
    await begin();
    const { screen } = follow();
    await pass();
    log.channel = 'dead';
    await owner.say('r1', 'lost ');
    await pass();
    log.channel = 'whole';
    await owner.say('r1', 'seen');
    await pass();
    expect(screen.text('r1')).toBe('lost seen');
    expect(screen.snapshots).toBe(1);
  });

  test('P-10 a channel that is silent without a sign: the answer goes on and ends by reading', async () => {
    const { log, owner, begin, follow, pass } = startHub();
    await begin();
    const { screen } = follow();
    await owner.say('r1', 'a');
    await pass();
    log.channel = 'dead';
    await owner.say('r1', 'b');
    await pass(1500);
    expect(screen.text('r1')).toBe('ab');
    await owner.say('r1', 'c');
    await pass(400);
    expect(screen.text('r1')).toBe('abc');
    await owner.end('r1');
    await pass(400);
    expect(screen.state.ended).toMatchObject({ runId: 'r1', reason: 'complete' });
  });

  test('P-10 without any channel, readers read, and hear of nothing', async () => {
    const { log, owner, begin, follow, pass } = startHub();
    log.subscribes = 'unavailable';
    await begin();
    const { screen } = follow();
    await pass();
    await owner.say('r1', 'polled');
    await pass(400);
    expect(screen.text('r1')).toBe('polled');
    expect(screen.errors).toEqual([]);
    log.subscribes = 'fine';
    await pass(6000);
    expect(log.calls).toContain('follow');
    await owner.say('r1', ' live');
    await pass();
    expect(screen.text('r1')).toBe('polled live');
  });

  test('after an interruption everybody reads, idle conversations too', async () => {
    const { log, owner, begin, follow, pass } = startHub();
    const { screen } = follow();
    await begin();
    await pass();
    await owner.end('r1');
    await pass();
    log.channel = 'dead';
    await begin(2);
    log.heal();
    await pass(700);
    expect(screen.state.run).toMatchObject({ runId: 'r2' });
  });

  test('an idle conversation is looked at now and then: another node may have been prompted', async () => {
    const { log, begin, follow, pass } = startHub();
    const { screen } = follow();
    await pass();
    log.channel = 'dead';
    await begin();
    await pass(40_000);
    expect(screen.state.run).toMatchObject({ runId: 'r1' });
  });

  test('P-5 while the channel is known to be down, the end of a run is on the screen within 150 ms', async () => {
    const { log, owner, begin, follow, pass } = startHub();
    await begin();
    const { screen } = follow();
    await pass();
    log.cut();
    await pass(500);
    await owner.end('r1');
    await pass(150);
    expect(screen.types).toContain('run-ended');
  });

  test('P-5 a channel that is cut again and again does not put the polls off', async () => {
    const { log, owner, begin, follow, pass } = startHub();
    await begin();
    const { screen } = follow();
    await pass();
    log.cut();
    await owner.end('r1');
    for (let i = 0; i < 8; i++) {
      await pass(20);
      log.heal();
      log.cut();
    }
    expect(screen.types).toContain('run-ended');
  });
});

describe('when the store fails', () => {
  test('P-10 a failed first read is told once and tried again until it works', async () => {
    const { log, begin, follow, pass } = startHub();
    await begin();
    log.reads = 'unavailable';
    const { screen } = follow();
    await pass(3000);
    expect(screen.errors.map((e) => e.code)).toEqual(['unavailable']);
    expect(screen.opens).toBe(0);
    log.reads = 'fine';
    await pass(4000);
    expect(screen.opens).toBe(1);
    expect(screen.state.run).toMatchObject({ runId: 'r1' });
  });

  test('a failed poll leaves the reader where it is', async () => {
    const { log, owner, begin, follow, pass } = startHub();
    await begin();
    const { screen } = follow();
    await owner.say('r1', 'a');
    await pass();
    log.reads = 'unavailable';
    await pass(3000);
    await owner.say('r1', 'b');
    await pass();
    expect(screen.text('r1')).toBe('ab');
  });
});
