import { expect, test } from 'vitest';
import { waitFor } from '@runnel/kit';
import { startGateway } from './testing/test-gateway.ts';

const prompt = (conversationId: string, n = 1) =>
  ({ type: 'prompt', conversationId, messageId: `m${n}`, runId: `r${n}`, text: `Hello ${n}` }) as const;

test('a prompt is answered, streamed and ended, and a second socket gets the same', async () => {
  await using gateway = await startGateway();
  const ann = await gateway.connect();
  ann.send({ type: 'follow', id: 1, conversationId: 'c1' });
  const snapshot = await ann.next('snapshot');
  expect(snapshot).toMatchObject({ logId: null, offset: 0, messages: [], run: null });
  expect(await ann.ask(prompt('c1'))).toMatchObject({ type: 'ok', runId: 'r1', duplicate: false });
  await waitFor(() => gateway.owner.runs.includes('r1'));
  await gateway.owner.say('r1', 'Xin ');
  await gateway.owner.say('r1', 'chào');
  const phone = await gateway.connect();
  phone.send({ type: 'follow', conversationId: 'c1' });
  expect((await phone.next('snapshot')).run).toMatchObject({ runId: 'r1', text: 'Xin chào' });
  await gateway.owner.end('r1');
  const ended = await ann.next('run-ended');
  expect(ended).toMatchObject({ runId: 'r1', reason: 'complete', bytes: 9 });
  await phone.next('run-ended');
  const offsets = ann.events.flatMap((e) => ('offset' in e && e.type !== 'ok' && e.type !== 'snapshot' && e.type !== 'live' ? [e.offset] : []));
  expect(offsets).toEqual(offsets.map((_, i) => i + 1));
});
