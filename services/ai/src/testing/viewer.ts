import type { RunLog } from '@runnel/coordination';
import { applyEvent, emptyConversation, sha256Hex, utf8Length, type ConversationState, type LogEvent, type RunEndedEvent } from '@runnel/protocol';
import { waitFor } from '@runnel/kit';

/** Follows a conversation from its start and applies every event by the protocol's rules; anything but the next event is a problem. */
export const startViewer = async (runLog: RunLog, conversationId: string) => {
  let state: ConversationState = emptyConversation(conversationId);
  const events: LogEvent[] = [];
  const problems: unknown[] = [];
  const texts = new Map<string, string>();
  await runLog.follow(conversationId, {
    message(bytes) {
      const event = JSON.parse(bytes.toString()) as LogEvent;
      if (event.offset === undefined) return;
      events.push(event);
      const applied = applyEvent(state, event);
      if (applied.kind === 'applied') state = applied.state;
      else problems.push([applied.kind, event]);
      if (state.run !== null) texts.set(state.run.runId, state.run.text);
    },
    resubscribed: () => undefined,
  });
  const ends = (runId: string): RunEndedEvent[] => events.filter((event) => event.type === 'run-ended' && event.runId === runId) as RunEndedEvent[];
  return {
    events,
    problems,
    get state(): ConversationState {
      return state;
    },
    text: (runId: string): string => texts.get(runId) ?? '',
    of: <T extends LogEvent['type']>(type: T): Extract<LogEvent, { type: T }>[] =>
      events.filter((event) => event.type === type) as Extract<LogEvent, { type: T }>[],
    /** The one end of a run, checked against the text shown. */
    async ended(runId: string, deadlineMs = 5000): Promise<RunEndedEvent> {
      const end = await waitFor(() => ends(runId)[0], { deadlineMs, what: `run-ended of ${runId}` });
      const text = texts.get(runId) ?? '';
      const shown = { ends: ends(runId).length, bytes: utf8Length(text), sha256: await sha256Hex(text), problems };
      const wanted = { ends: 1, bytes: end.bytes, sha256: end.sha256, problems: [] };
      if (JSON.stringify(shown) !== JSON.stringify(wanted)) throw new Error(`shown ${JSON.stringify(shown)}, wanted ${JSON.stringify(wanted)}`);
      return end;
    },
  };
};
export type Viewer = Awaited<ReturnType<typeof startViewer>>;
