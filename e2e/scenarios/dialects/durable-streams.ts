import { stream } from '@durable-streams/client';
import { applyEvent, emptyConversation, fromSnapshot, type ConversationState, type LogEvent, type SnapshotEvent } from '@runnel/protocol';
import type { ExpectedRun } from '../../harness/viewers/expected.ts';
import type { Stage } from '../../harness/stage.ts';
import { balancedFetch, dialectScenario, type DialectForm } from './reader.ts';

type Item = LogEvent | SnapshotEvent;

const apply = (state: ConversationState, item: Item): ConversationState => {
  if (item.type === 'snapshot') return fromSnapshot(item);
  const applied = applyEvent(state, item);
  // The client hands items over twice when a connection breaks between them and their offset: W-8 says what to do.
  if (applied.kind === 'gap') throw new Error(`W-8: a gap at offset ${item.offset}, behind ${state.offset}`);
  return applied.kind === 'applied' ? applied.state : state;
};

/**
 * A page that is left takes all of its requests with it. The client (0.2.7) does not: who leaves in the moment between its first answer and its
 * event stream leaves a stream behind that nobody reads and nobody ends.
 */
const leftWith =
  (left: AbortSignal, send: typeof fetch): typeof fetch =>
  (input, init) =>
    send(input, { ...init, signal: AbortSignal.any([left, ...(init?.signal ? [init.signal] : [])]) });

const read =
  (live: 'sse' | 'long-poll'): DialectForm['read'] =>
  async (stage: Stage, { conversationId, runId }: ExpectedRun, { reloads }) => {
    const url = `${stage.origin()}/api/streams/${conversationId}?user_id=${stage.userId}`;
    let state = emptyConversation(conversationId);
    let offset = '-1';
    const answer = () => state.messages.find(({ messageId }) => messageId === runId);
    while (!answer()) {
      const left = new AbortController();
      const batches = reloads ? stage.random.between(1, 40) : Infinity;
      let seen = 0;
      const options = { url, offset, live, signal: left.signal, fetch: leftWith(left.signal, balancedFetch(stage)), warnOnHttp: false };
      const response = await stream<Item>(options).catch((error: unknown) => {
        if ((error as { status?: number }).status !== 410) throw error;
        return null;
      });
      if (response === null) {
        // The store has lost the log, and its owner wrote another one.
        [state, offset] = [emptyConversation(conversationId), '-1'];
        continue;
      }
      await new Promise<void>((resolve) => {
        response.subscribeJson(async (batch) => {
          if (left.signal.aborted) return;
          state = batch.items.reduce(apply, state);
          offset = batch.offset;
          if (!answer() && ++seen < batches) return;
          left.abort();
          resolve();
        });
        response.closed.then(resolve, () => resolve());
      });
      left.abort();
      // A reload either knows where it was, or nothing.
      if (!answer() && reloads && stage.random.chance(0.5)) [state, offset] = [emptyConversation(conversationId), '-1'];
    }
    return answer()!.text;
  };

export const durableStreamsScenario = dialectScenario('durable-streams', [
  { name: 'sse', read: read('sse') },
  { name: 'long-poll', read: read('long-poll') },
]);
