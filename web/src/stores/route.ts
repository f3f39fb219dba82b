import { defineStore } from 'pinia';
import { onScopeDispose, ref } from 'vue';
import { formatRoute, parseRoute } from '../lib/route.ts';

/** Where the reader is. Two pages need no router: this is the address bar as state. */
export const useRoute = defineStore('route', () => {
  const conversationId = ref(parseRoute(location.pathname).conversationId);

  const follow = (): void => void (conversationId.value = parseRoute(location.pathname).conversationId);
  window.addEventListener('popstate', follow);
  onScopeDispose(() => window.removeEventListener('popstate', follow));

  /** `replace`: the place left is not worth coming back to (it was deleted). The query, such as `user_id`, stays. */
  const go = (to: string | null, { replace = false } = {}): void => {
    if (to === conversationId.value) return;
    const url = formatRoute({ conversationId: to }) + location.search;
    if (replace) history.replaceState(null, '', url);
    else history.pushState(null, '', url);
    conversationId.value = to;
  };

  return { conversationId, go };
});
