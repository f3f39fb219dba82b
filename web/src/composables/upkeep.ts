import { onScopeDispose, watch } from 'vue';
import { useConnection } from '../stores/connection.ts';
import { useConversations } from '../stores/conversations.ts';
import { useFolders } from '../stores/folders.ts';
import { useMe } from '../stores/me.ts';
import { useModels } from '../stores/models.ts';
import { useOwn } from '../stores/own.ts';

/** Where nobody pushes, a conversation begun on another device is in the list after this time (ms); a list costs the server one read. */
const EVERY_MS = 10_000;
/** Pushes are hints, and one may be lost: so many of these times pass until the list is read all the same. */
const PUSHED = 6;

/** Reads the lists again when they may have changed elsewhere: with each connection, each so often while somebody looks, and when the reader comes back to the page. */
export const useUpkeep = (): void => {
  const connection = useConnection();
  const conversations = useConversations();
  const folders = useFolders();
  const me = useMe();
  const models = useModels();
  const own = useOwn();

  const read = (): void => {
    void conversations.load();
    void me.load();
    // The first time they wait until it is known whether there are any.
    void own.read();
    void folders.load();
    if (models.failed || models.models.length === 0) void models.load();
  };
  const onVisible = (): void => {
    if (document.visibilityState === 'visible' && connection.online) read();
  };
  watch(
    () => connection.connection.status,
    (status) => {
      if (status === 'live') read();
    },
    { immediate: true },
  );
  document.addEventListener('visibilitychange', onVisible);
  let ticks = 0;
  const timer = setInterval(() => {
    const isDue = connection.connection.transport === 'sse' || ++ticks % PUSHED === 0;
    if (isDue && document.visibilityState === 'visible' && connection.online) void conversations.load();
  }, EVERY_MS);
  onScopeDispose(() => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', onVisible);
  });
};
