import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LiveEvent, LogEvent, SnapshotEvent } from '@runnel/protocol';
import { createCore, reduce, type CoreEffect } from './conversation-core.ts';

type Event = LogEvent | SnapshotEvent | LiveEvent;
interface Case {
  name: string;
  steps: { event: Event; outcome: string }[];
  expect: { logId: string | null; offset: number; messages: { messageId: string; text: string }[]; run: { text: string } | null };
}
const FILE = join(import.meta.dirname, '../../../../clients/conformance/cases.jsonl');
const cases = readFileSync(FILE, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case);

test.each(cases)('W-8 W-9 W-13 $name', ({ steps, expect: due }) => {
  let [core] = reduce(createCore('c1'), { kind: 'connected' }, 0);
  const asked: (null | object)[] = [];
  for (const { event } of steps) {
    let effects: CoreEffect[];
    [core, effects] = reduce(core, { kind: 'event', event }, 0);
    for (const effect of effects) if (effect.do === 'follow') asked.push(effect.cursor);
  }
  const { logId, offset, messages, run } = core.conversation;
  expect({ logId, offset, texts: messages.map(({ text }) => text), run: run?.text }).toEqual({
    ...{ logId: due.logId, offset: due.offset },
    ...{ texts: due.messages.map(({ text }) => text), run: due.run?.text },
  });
  // The first that does not fit asks again, once: with the cursor, or without where what is held contradicts the log.
  const gap = steps.find(({ outcome }) => outcome.startsWith('gap'));
  expect(asked.map((cursor) => cursor !== null)).toEqual(gap ? [gap.outcome === 'gap'] : []);
});
