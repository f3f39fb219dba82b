import { expect, onTestFinished, test, vi } from 'vitest';
import { AuditDesk } from './ownership.ts';

test('B17 an answer that came slowly closes the way to old turns no longer than the database is slow', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  let tookMs = 300;
  const call = async () => {
    if (tookMs > 0) await new Promise((resolve) => setTimeout(resolve, tookMs));
    return { status: 200, body: { messages: [], hasMore: false, title: 'T' } };
  };
  const desk = new AuditDesk({ call }, 200, async () => {});
  const asked = { conversationId: 'old', userId: 'ann' };
  const answer = desk.ask(asked, 450);
  await vi.advanceTimersByTimeAsync(300);
  expect(await answer).toMatchObject({ standing: 'owner' });
  tookMs = 0;
  await expect(desk.thread(asked, 'm1', 450)).rejects.toMatchObject({ code: 'unavailable' });
  // Nobody asks anything else: that question alone has to find out.
  await vi.advanceTimersByTimeAsync(0);
  expect(await desk.thread(asked, 'm1', 450)).toEqual([]);
});
