import type { RunLog } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import {
  applyEvent,
  cursorOf,
  emptyConversation,
  fromSnapshot,
  sha256Hex,
  utf8Length,
  type ConversationState,
  type LogEvent,
  type RunEndedEvent,
} from '@runnel/protocol';
import { expect } from 'vitest';

/**
 * Follows a conversation from its start and applies every event by the protocol's rules. Unless it may miss events (`lossy`: the
 * subscription is cut during the test) anything but the next event is a problem; then it reads what it missed, as a gateway does.
 */
export const startViewer = async (runLog: RunLog, conversationId: string, { lossy = false } = {}) => {
  let state: ConversationState = emptyConversation(conversationId);
  const events: LogEvent[] = [];
  const problems: string[] = [];
  const texts = new Map<string, string>();
  let reading: Promise<void> | undefined;

  const note = (next: ConversationState): void => {
    state = next;
    if (state.run !== null) texts.set(state.run.runId, state.run.text);
  };
  const receive = (event: LogEvent): void => {
    const applied = applyEvent(state, event);
    if (applied.kind === 'applied') {
      events.push(event);
      note(applied.state);
    } else if (applied.kind === 'gap' && lossy) catchUp();
    else if (!lossy) problems.push(`${applied.kind} at ${event.type} ${event.offset}`);
  };
  const catchUp = (): void => {
    reading ??= runLog
      .readState({ conversationId, cursor: cursorOf(state) })
      .then((read) => {
        if (read.kind === 'tail') for (const { json } of read.entries) receive(JSON.parse(json) as LogEvent);
        else if (read.kind === 'snapshot') note(fromSnapshot({ type: 'snapshot', conversationId, ...read }));
      })
      .finally(() => (reading = undefined));
  };
  await runLog.follow(conversationId, {
    message(bytes) {
      const event = JSON.parse(bytes.toString()) as LogEvent;
      if (event.offset !== undefined) receive(event);
    },
    resubscribed: catchUp,
  });

  const of = <T extends LogEvent['type']>(type: T) => events.filter((event) => event.type === type) as Extract<LogEvent, { type: T }>[];
  return {
    get state(): ConversationState {
      return state;
    },
    text: (runId: string): string => texts.get(runId) ?? '',
    of,
    /** The one end of a run, checked against the text shown. */
    async ended(runId: string, deadlineMs = 20_000): Promise<RunEndedEvent> {
      const ends = (): RunEndedEvent[] => of('run-ended').filter((event) => event.runId === runId);
      const end = await waitFor(() => ends()[0], { deadlineMs, what: `run-ended of ${runId}` });
      const text = texts.get(runId) ?? '';
      expect({ ends: ends().length, bytes: utf8Length(text), sha256: await sha256Hex(text), problems }).toEqual({
        ends: 1,
        bytes: end.bytes,
        sha256: end.sha256,
        problems: [],
      });
      return end;
    },
  };
};
