import { describe, expect, test } from 'vitest';
import { settle } from '../../testing/fake-clock.ts';
import { pending, setup, view } from '../../testing/test-client.ts';
import { live, message, shown, snapshot, started } from '../../testing/wire.ts';
import type { ServerEvent } from '@runnel/protocol';

/** A prompt that is accepted, shown, and whose answer runs in log `l1`. */
const asked = async (options: Parameters<typeof setup>[0] = {}) => {
  const page = await setup(options);
  const chat = page.begin();
  const { messageId, runId } = chat.prompt('x');
  page.net.link.ok('prompt', { runId, offset: 2, duplicate: false });
  await settle();
  for (const event of [shown(1, messageId), { ...started(2, runId), parentId: messageId } as ServerEvent]) page.net.link.event(event);
  /** The connection is there again, and the log is another one. */
  const return_ = async (...events: ServerEvent[]): Promise<void> => {
    await page.back();
    page.follow(...events);
    await settle();
  };
  const prompts = () => page.net.links.flatMap((link) => link.all('prompt'));
  return { ...page, chat, messageId, runId, comeBack: return_, prompts };
};
const running = (runId: string, parentId: string) => ({ runId, parentId, model: 'm', epoch: 1, text: '', startedAt: 0 });

describe('B2 a store that comes back older than a prompt that was accepted and shown', () => {
  test.each([
    ['lost it whole', () => snapshot({ logId: 'l2', offset: 1 })],
    ['has its question from the database, and no run', (id: string) => snapshot({ logId: 'l2', offset: 1, messages: [message(id)] })],
  ])('%s: after a while it goes out again, once, under the same ids', async (_, snapshotOf) => {
    const { comeBack, messageId, prompts, clock, net, chat } = await asked();
    await comeBack(snapshotOf(messageId), live(1, 'l2'));
    expect(prompts()).toHaveLength(1);
    await clock.advance(4_900);
    expect(prompts()).toHaveLength(1);
    await clock.advance(200);
    const [first, second] = prompts();
    expect(second).toMatchObject({ messageId, text: 'x' });
    expect(second!.runId).toBe(first!.runId);
    net.link.ok('prompt', { runId: second!.runId!, offset: 3, duplicate: true });
    await settle();
    await clock.advance(9_000);
    await comeBack(snapshot({ logId: 'l2', offset: 5, messages: [message(messageId)] }), live(5, 'l2'));
    await clock.advance(9_000);
    expect(prompts()).toHaveLength(2);
    expect(pending(chat)).toEqual([]);
    // And once more for each log that lost it again.
    await comeBack(snapshot({ logId: 'l3', offset: 1 }), live(1, 'l3'));
    await clock.advance(6_000);
    expect(prompts()).toHaveLength(3);
  });

  test('its owner wrote it again within that time: nothing goes out', async () => {
    const { comeBack, messageId, runId, prompts, clock, net } = await asked();
    await comeBack(snapshot({ logId: 'l2', offset: 1 }), live(1, 'l2'));
    await clock.advance(2_000);
    net.link.event(snapshot({ logId: 'l3', offset: 1, messages: [message(messageId)], run: running(runId, messageId) }));
    net.link.event(live(1, 'l3'));
    await clock.advance(9_000);
    expect(prompts()).toHaveLength(1);
  });

  test('its answer had ended: nothing goes out', async () => {
    const { comeBack, messageId, runId, prompts, clock, net } = await asked();
    const answer = { ...message(runId), role: 'assistant' as const, parentId: messageId };
    net.link.event(snapshot({ offset: 9, messages: [message(messageId), answer] }));
    net.link.event(live(9));
    await comeBack(snapshot({ logId: 'l2', offset: 1 }), live(1, 'l2'));
    await clock.advance(9_000);
    expect(prompts()).toHaveLength(1);
  });

  test('the conversation is not there any more, or was deleted on another device: its writer is asked', async () => {
    const { comeBack, prompts, clock, chat, messageId, net } = await asked();
    await comeBack(snapshot({ logId: null, offset: 0 }), live(0, null));
    await clock.advance(9_000);
    expect(prompts()).toHaveLength(1);
    expect(view(chat).pending).toMatchObject([{ messageId, status: 'failed', error: { code: 'not-found' } }]);
    chat.retry(messageId);
    expect(net.link.all('prompt')).toHaveLength(1);
  });

  test('this page deleted it: nothing goes out, and nothing is asked', async () => {
    const { comeBack, prompts, clock, chat, client } = await asked({ fetch: () => Promise.resolve(new Response(null, { status: 204 })) });
    await client.deleteConversation('c1');
    await comeBack(snapshot({ logId: null, offset: 0 }), live(0, null));
    await clock.advance(9_000);
    expect(prompts()).toHaveLength(1);
    expect(pending(chat)).toEqual([]);
  });
});

test('B2 a prompt that was accepted and never shown goes out again when the log is past its place without it', async () => {
  const page = await setup();
  const chat = page.begin();
  const { messageId, runId } = chat.prompt('x');
  page.net.link.ok('prompt', { runId, offset: 2, duplicate: false });
  await settle();
  await page.back();
  page.follow(snapshot({ logId: 'l2', offset: 4 }), live(4, 'l2'));
  await page.clock.advance(6_000);
  expect(page.net.link.all('prompt')).toMatchObject([{ messageId }]);
});

test('P-8 prompts that are kept are bounded', async () => {
  const page = await setup();
  const chat = page.begin();
  for (let i = 0; i < 60; i++) {
    const { messageId, runId } = chat.prompt(`x${i}`);
    page.net.link.ok('prompt', { runId, offset: 2 * i + 2, duplicate: false });
    page.net.link.event(shown(2 * i + 1, messageId));
    page.net.link.event(started(2 * i + 2, runId));
    await settle();
  }
  await page.back();
  page.follow(snapshot({ logId: null, offset: 0 }), live(0, null));
  await page.clock.advance(6_000);
  expect(view(chat).pending).toHaveLength(50);
});
