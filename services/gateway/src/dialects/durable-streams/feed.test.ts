import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { createMetrics, waitFor } from '@runnel/kit';
import type { LogEvent } from '@runnel/protocol';
import { UnsentBudget } from '../../budgets/unsent.ts';
import { createHub } from '../../follow/hub.ts';
import { gatewayMetrics } from '../../metrics.ts';
import { TestOwner } from '../../../testing/test-owner.ts';
import { Feed } from './feed.ts';
import { readBatch } from './read.ts';

const RUN = { conversationId: 'c1', runId: 'r1' };

const begun = async () => {
  const runLog = createMemoryRunLog();
  const owner = new TestOwner(runLog);
  const message = { messageId: 'm1', text: 'Hello' };
  await runLog.beginRun({ ...RUN, userId: 'ann', model: 'default', message, title: 'Hello' });
  await owner.claim(RUN);
  const hub = createHub({ runLog, metrics: gatewayMetrics(createMetrics('gateway', { processMetrics: false })) });
  const unsent = new UnsentBudget(0, () => undefined);
  const deps = { runLog, hub, unsent, given: undefined, conversationId: 'c1', userId: 'ann' };
  return { owner, hub, deps, first: await readBatch(deps, { kind: 'beginning' }) };
};

const offsetsIn = (text: string): number[] =>
  [...text.matchAll(/event: data\ndata: (.*)/g)].flatMap(([, data]) => (JSON.parse(data!) as LogEvent[]).map(({ offset }) => offset));

test.each([
  ['less than the log keeps', 300, 2_000, true],
  ['more than the log keeps', 1_200, 2_000, false],
])('P-8 a reader that stops and missed %s gets no gap, and costs a bounded number of bytes', async (_name, pieces, bytes, whole) => {
  const { owner, hub, deps, first } = await begun();
  const raw = new PassThrough({ highWaterMark: 1_024 });
  const feed = new Feed(raw as unknown as ServerResponse, deps);
  const done = feed.run(first);
  for (let n = 0; n < pieces; n++) await owner.say('r1', 'x'.repeat(bytes));
  await owner.end('r1');
  expect(raw.writableLength + raw.readableLength).toBeLessThan(64 * 1024);
  let text = '';
  raw.setEncoding('utf8').on('data', (data: string) => (text += data));
  const last = first.next.offset + pieces + 1;
  if (whole) await waitFor(() => offsetsIn(text).at(-1) === last);
  else await done;
  const offsets = offsetsIn(text);
  expect(offsets).toEqual(offsets.map((_, index) => index + 1));
  expect(offsets.at(-1) === last).toBe(whole);
  feed.close();
  await done;
  await hub.close();
});
