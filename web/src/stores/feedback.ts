import type { Rating } from '@runnel/client';
import { useClient } from '@runnel/vue';
import { defineStore } from 'pinia';
import { onScopeDispose, shallowRef, watch } from 'vue';
import { useChat } from './chat.ts';
import { useConnection } from './connection.ts';
import { useOwn } from './own.ts';
import { useRoute } from './route.ts';

/** What a reader says of an answer: a thumb, and maybe why. */
export interface Opinion {
  rating: Rating;
  reason: string;
}
/** Null: nothing, or no longer. */
type Said = Opinion | null;
const without = <V>(map: ReadonlyMap<string, V>, key: string): Map<string, V> => new Map([...map].filter(([id]) => id !== key));

/** The reader's thumbs in the conversation on the screen. What they press shows at once, and goes back where the server does not take it. */
export const useFeedback = defineStore('feedback', () => {
  const client = useClient();
  const chat = useChat();
  const connection = useConnection();
  const own = useOwn();
  const route = useRoute();

  const given = shallowRef<ReadonlyMap<string, Opinion>>(new Map());
  /** As the server last said. */
  let known: ReadonlyMap<string, Opinion> = new Map();
  /** Said, and not answered yet: the last of each. */
  const wanted = new Map<string, { said: Said }>();
  /** One after the other, so that the last one stands. */
  const turns = new Map<string, Promise<void>>();

  const show = (): void => {
    const next = new Map(known);
    for (const [messageId, { said }] of wanted)
      if (said === null) next.delete(messageId);
      else next.set(messageId, said);
    given.value = next;
  };
  const learn = (messageId: string, said: Said): void => {
    known = said === null ? without(known, messageId) : new Map(known).set(messageId, said);
  };

  let readings = 0;
  const load = async (): Promise<void> => {
    const id = route.conversationId;
    if (id === null || !own.offered || !connection.online || !chat.conversation?.logId) return;
    const mine = ++readings;
    // What cannot be read now is read with the next connection; the answers are what people came for.
    const list = await client.person.feedback(id).catch(() => null);
    if (list === null || mine !== readings || id !== route.conversationId) return;
    known = new Map(list.map(({ messageId, rating, reason = '' }) => [messageId, { rating, reason }]));
    show();
  };
  watch(
    () => [route.conversationId, chat.conversation?.logId, own.offered, connection.online] as const,
    ([id], before) => {
      if (id !== before?.[0]) {
        known = new Map();
        show();
      }
      void load();
    },
    { immediate: true },
  );
  onScopeDispose(
    client.onList(({ change, name }) => {
      if (change === 'missed' || (change === 'feedback' && name === route.conversationId)) void load();
    }),
  );
  const onVisible = (): void => void (document.visibilityState === 'visible' && load());
  document.addEventListener('visibilitychange', onVisible);
  onScopeDispose(() => document.removeEventListener('visibilitychange', onVisible));

  const write = async (conversationId: string, messageId: string, want: { said: Said }): Promise<void> => {
    if (wanted.get(messageId) !== want) return;
    try {
      const { rating = null, reason = '' } = want.said ?? {};
      await client.person.rate(conversationId, messageId, rating, reason === '' ? undefined : reason);
      // A reading that began before it does not know of it.
      readings++;
      learn(messageId, want.said);
    } finally {
      if (wanted.get(messageId) === want) wanted.delete(messageId);
      show();
    }
  };
  /** Rejects where the server does not take it. */
  const rate = (messageId: string, said: Said): Promise<void> => {
    const id = route.conversationId;
    if (id === null) return Promise.resolve();
    const want = { said };
    wanted.set(messageId, want);
    show();
    const mine = (turns.get(messageId) ?? Promise.resolve()).catch(() => undefined).then(() => write(id, messageId, want));
    turns.set(messageId, mine);
    return mine;
  };

  return { given, rate };
});
