import { isWaiting } from '@runnel/protocol';
import { useClient } from '@runnel/vue';
import { onScopeDispose, watch } from 'vue';
import { useChat } from '../stores/chat.ts';
import { useConversations } from '../stores/conversations.ts';
import { useRoute } from '../stores/route.ts';

/** So many answers are followed while the reader is elsewhere; of the others the list knows when it is read again. */
const MOST = 8;

/** Answers that go on where the reader is not any more: the list says that they are being written, and when they have come. */
export const useElsewhere = (): void => {
  const client = useClient();
  const chat = useChat();
  const conversations = useConversations();
  const route = useRoute();
  const followed = new Map<string, () => void>();
  /** The open conversation, when an answer is being written in it. */
  let running: string | null = null;

  const follow = (id: string): void => {
    if (followed.has(id) || followed.size >= MOST) return;
    const handle = client.conversation(id);
    const unsubscribe = handle.state.subscribe(() => {
      const { sync, conversation, problem } = handle.state.get();
      if (conversation.run !== null && sync === 'live')
        conversations.run(id, conversation.run.parts?.some(isWaiting) ? 'waiting' : 'answering');
      if (problem === null && (sync !== 'live' || conversation.run !== null)) return;
      conversations.run(id, 'ended');
      followed.get(id)?.();
    });
    followed.set(id, () => {
      unsubscribe();
      followed.delete(id);
      handle.close();
    });
  };

  watch(
    () => [route.conversationId, chat.runId, chat.waits] as const,
    ([id, runId, waits], before) => {
      const [idBefore = null, , waitsBefore = false] = before ?? [];
      if (id !== idBefore) {
        conversations.look(id);
        if (running !== null) follow(running);
        running = null;
        if (id !== null) followed.get(id)?.();
      }
      if (id === null) return;
      if (runId !== null && (running === null || waits !== waitsBefore)) conversations.run((running = id), waits ? 'waiting' : 'answering');
      else if (runId === null && running === id) {
        running = null;
        conversations.run(id, 'ended');
      }
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    for (const end of followed.values()) end();
  });
};
