import { delay, fullJitter } from '@runnel/kit';
import type { ReadState, RunLog } from '@runnel/coordination';
import { RunnelError, type Cursor } from '@runnel/protocol';
import { viewOf } from '../../follow/catch-up.ts';
import { statusError } from '../../http/plumbing/problem.ts';
import type { Batch } from './encode.ts';
import type { Wanted } from './offset.ts';
import { tellsAll } from './whole-log.ts';

/** A log that is missing may be written again by the owner of a running answer: as long as other readers are kept waiting (L-6). */
const RESTORE_MS = 3_000;
const RETRY = { baseMs: 100, maxMs: 500 };

export interface Reading {
  runLog: Pick<RunLog, 'readState'>;
  conversationId: string;
  userId: string;
}

const bytesOf = (entries: readonly { json: string }[]): Buffer[] => entries.map(({ json }) => Buffer.from(json));

const refuse = (state: Extract<ReadState, { kind: 'none' | 'forbidden' }>): never => {
  throw new RunnelError(state.kind === 'forbidden' ? 'forbidden' : 'not-found');
};

type Standing = Extract<ReadState, { kind: 'snapshot' }>;
const asItem = (conversationId: string, state: Standing): Batch => {
  const view = viewOf(conversationId, state, []) as Extract<ReturnType<typeof viewOf>, { kind: 'snapshot' }>;
  return { items: [view.snapshot.bytes], next: { logId: state.logId, offset: state.offset } };
};

/** The whole log; where it no longer begins at 1, or tells not all of the conversation, the conversation as it stands. */
const fromBeginning = async ({ runLog, ...asked }: Reading): Promise<Batch> => {
  const state = await runLog.readState({ ...asked, cursor: null });
  if (state.kind !== 'snapshot') return refuse(state as Extract<ReadState, { kind: 'none' }>);
  const { logId } = state;
  const whole = await runLog.readState({ ...asked, cursor: { logId, offset: 0 }, reach: 'far' });
  if (whole.kind === 'tail') {
    if (!tellsAll(whole.entries, state)) return asItem(asked.conversationId, state);
    return { items: bytesOf(whole.entries), next: { logId, offset: whole.offset } };
  }
  return whole.kind === 'snapshot' ? asItem(asked.conversationId, whole) : refuse(whole);
};

const fromNow = async ({ runLog, ...asked }: Reading): Promise<Batch> => {
  const state = await runLog.readState({ ...asked, cursor: null });
  if (state.kind !== 'snapshot') return refuse(state as Extract<ReadState, { kind: 'none' }>);
  return { items: [], next: { logId: state.logId, offset: state.offset } };
};

const after = async ({ runLog, ...asked }: Reading, cursor: Cursor): Promise<Batch> => {
  const giveUpAt = performance.now() + RESTORE_MS;
  for (let attempt = 0; ; attempt++) {
    const state = await runLog.readState({ ...asked, cursor, reach: 'far' });
    if (state.kind === 'tail') return { items: bytesOf(state.entries), next: { logId: cursor.logId, offset: state.offset } };
    const mayComeBack = state.kind === 'none' || (state.kind === 'snapshot' && state.behind === true);
    if (mayComeBack && performance.now() < giveUpAt) {
      await delay(RETRY.baseMs / 2 + fullJitter({ attempt, ...RETRY }));
      continue;
    }
    if (state.kind === 'snapshot') throw statusError(410);
    return refuse(state);
  }
};

/**
 * Everything from an offset on, in one answer. Throws `forbidden`, `not-found`, `unavailable`, or 410 when the log has been made anew or has
 * no longer what comes after the offset.
 */
export const readBatch = (reading: Reading, wanted: Wanted): Promise<Batch> => {
  switch (wanted.kind) {
    case 'beginning':
      return fromBeginning(reading);
    case 'now':
      return fromNow(reading);
    case 'after':
      return after(reading, wanted.cursor);
    default:
      return wanted satisfies never;
  }
};
