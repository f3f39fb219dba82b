import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { LogEvent, SnapshotEvent } from '../events.ts';
import { FINISHES, type Message } from '../message.ts';
import { utf8Length } from '../position.ts';

/** A whole conversation as a server wrote it, with what every reader must end up with. */
export interface WrittenLog {
  conversationId: string;
  logId: string;
  events: LogEvent[];
  /** What the server would answer a reader without a cursor after `offset` events. */
  snapshotAt(offset: number): SnapshotEvent;
}

/** Characters of one to four UTF-8 bytes. */
const text = fc.string({ unit: fc.constantFrom('a', 'ế', 'ß', '漢', '👩‍👧', '🙂', ' ', '\n', '"'), minLength: 1, maxLength: 6 });

type Step =
  | { do: 'chunk'; text: string }
  | { do: 'move'; restarted: boolean }
  | { do: 'title'; title: string }
  | { do: 'future' }
  | { do: 'delete'; pick: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('chunk' as const), text }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('move' as const), restarted: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('title' as const), title: text }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('future' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), pick: fc.nat(20) }) },
);

const run = fc.record({ steps: fc.array(step, { maxLength: 12 }), ends: fc.boolean() });

/**
 * Writes a log the slow and plain way, independent of the code under test: texts are joined here, digests come from
 * `node:crypto`. Every run but the last is ended; the last may be left running.
 */
export const writeLog = (runs: readonly { steps: readonly Step[]; ends: boolean }[], logId: string, conversationId = 'c1'): WrittenLog => {
  const events: LogEvent[] = [];
  const messages: Message[] = [];
  let title = '';
  let running: SnapshotEvent['run'] = null;
  const states: Pick<SnapshotEvent, 'title' | 'messages' | 'run'>[] = [{ title, messages: [], run: null }];

  const write = (fields: { type: string } & Record<string, unknown>): void => {
    const { type, ...rest } = fields;
    const offset = events.length + 1;
    events.push({ type, conversationId, offset, ...(offset === 1 && { logId }), ...rest } as unknown as LogEvent);
    states.push({ title, messages: [...messages], run: running && { ...running } });
  };
  const perform = (s: Step): void => {
    if (s.do === 'title') {
      title = s.title;
      write({ type: 'title', title });
    } else if (s.do === 'future') {
      write({ type: 'of-a-later-version', anything: [1] });
    } else if (s.do === 'delete') {
      const index = s.pick % messages.length;
      messages[index] = { ...messages[index]!, text: '', status: 'deleted' };
      write({ type: 'message-deleted', messageId: messages[index].messageId });
    } else if (s.do === 'chunk') {
      const at = utf8Length(running!.text);
      running = { ...running!, text: running!.text + s.text };
      write({ type: 'chunk', runId: running.runId, at, t: 0, text: s.text });
    } else {
      running = { ...running!, epoch: running!.epoch + 1, text: s.restarted ? '' : running!.text };
      const { runId, epoch } = running;
      write({ type: 'run-moved', runId, epoch, bytes: utf8Length(running.text), restarted: s.restarted });
    }
  };

  runs.forEach(({ steps, ends }, i) => {
    const messageId = `${logId}-u${i}`;
    const runId = `${logId}-a${i}`;
    messages.push({
      messageId,
      parentId: messages.at(-1)?.messageId ?? null,
      role: 'user',
      text: `q${i}`,
      status: 'complete',
      createdAt: i,
    });
    write({ type: 'message', message: messages.at(-1)! });
    running = { runId, parentId: messageId, model: 'count', epoch: 1, text: '', startedAt: i };
    write({ type: 'run-started', runId, parentId: messageId, model: 'count', epoch: 1, startedAt: i });
    steps.forEach(perform);
    if (!ends && i === runs.length - 1) return;
    const whole = running.text;
    messages.push({
      messageId: runId,
      parentId: messageId,
      role: 'assistant',
      text: whole,
      status: 'complete',
      finish: FINISHES[i % FINISHES.length]!,
      model: 'count',
      createdAt: i,
    });
    running = null;
    const sha256 = createHash('sha256').update(whole).digest('hex');
    write({
      type: 'run-ended',
      runId,
      reason: 'complete',
      finish: FINISHES[i % FINISHES.length]!,
      bytes: Buffer.byteLength(whole),
      sha256,
      endedAt: i,
    });
  });
  return {
    conversationId,
    logId,
    events,
    snapshotAt: (offset) => ({
      type: 'snapshot',
      conversationId,
      logId: offset === 0 ? null : logId,
      offset,
      hasMore: false,
      ...states[offset]!,
    }),
  };
};

export const writtenLog = (logId = 'log-1'): fc.Arbitrary<WrittenLog> =>
  fc.array(run, { minLength: 1, maxLength: 3 }).map((runs) => writeLog(runs, logId));
