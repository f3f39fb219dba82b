import { computed, onScopeDispose, watch } from 'vue';
import { readerOf, rememberReader } from '../../lib/session/reader.ts';
import { useChat } from '../../stores/chat.ts';
import { useConnection } from '../../stores/connection.ts';
import { useConversations } from '../../stores/conversations.ts';
import { useMe } from '../../stores/me.ts';
import { useRoute } from '../../stores/route.ts';
import { useSettings } from '../../stores/settings.ts';
import { useTokens } from '../../tokens.ts';
import { isCut } from './recall.ts';

/** After the last change; a conversation is kept between answers, not with each word (ms). */
const PAUSE_MS = 1_000;
// With the first connection, or the first that cannot be had: the page is drawn by then.
const store = () => import('./kept-store.ts');

/** Keeps the list and the conversation on the screen on this device, for the day without a network; shows the list then. */
export const useKeep = (): void => {
  const chat = useChat();
  const connection = useConnection();
  const conversations = useConversations();
  const me = useMe();
  const route = useRoute();
  const settings = useSettings();
  const tokens = useTokens();
  let owner: string | null = null;
  /** Nothing is written before the server has said that it may be: who forbids it would have it on the device for a moment. */
  const allowed = computed(() => settings.copies && me.copies === true);
  const forbidden = computed(() => !settings.copies || me.copies === false);
  watch(forbidden, async (now) => now && (await store()).forgetKept(), { immediate: true });
  // What was forgotten has no owner any more.
  watch(allowed, async (now) => now && owner !== null && (await store()).claimKept(owner));
  let timer: ReturnType<typeof setTimeout> | undefined;
  let listTimer: ReturnType<typeof setTimeout> | undefined;

  watch(
    () => [connection.connection.status, connection.connection.userId] as const,
    async ([status, userId]) => {
      if (connection.online && userId !== null) {
        // Also when the same person signs in again: a refusal has made the device forget them.
        rememberReader(userId, tokens.held.value);
        if (userId === owner) return;
        owner = userId;
        await (await store()).claimKept(userId);
      } else if (isCut(status) && owner === null) {
        const reader = readerOf(tokens.held.value);
        if (reader !== null) conversations.remember(await (await store()).keptList(reader));
      }
    },
    { immediate: true },
  );

  /** The newest there is, which what is drawn follows a frame later. */
  const keep = (handle = chat.handle): void => {
    clearTimeout(timer);
    const conversation = handle?.state.get().conversation;
    if (owner === null || !allowed.value || !conversation || conversation.logId === null) return;
    const mine = owner;
    void store().then(({ keepConversation }) => keepConversation(mine, conversation));
  };
  watch(
    () => [chat.messages, chat.runId, allowed.value] as const,
    () => {
      clearTimeout(timer);
      timer = setTimeout(keep, PAUSE_MS);
    },
  );
  // Who goes on to another one does not wait for that.
  watch(
    () => chat.handle,
    (_, left) => left && keep(left),
    { flush: 'sync' },
  );
  watch(
    () => [conversations.items, allowed.value] as const,
    ([items]) => {
      clearTimeout(listTimer);
      listTimer = setTimeout(() => {
        if (owner === null || !allowed.value || conversations.state !== 'ready') return;
        const mine = owner;
        void store().then(({ keepList }) => keepList(mine, items, route.conversationId));
      }, PAUSE_MS);
    },
  );
  // A running answer as far as it is: the page may not come back.
  const onHidden = (): void => void (document.visibilityState === 'hidden' && keep());
  document.addEventListener('visibilitychange', onHidden);
  onScopeDispose(() => {
    clearTimeout(timer);
    clearTimeout(listTimer);
    document.removeEventListener('visibilitychange', onHidden);
  });
};
