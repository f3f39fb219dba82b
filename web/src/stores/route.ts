import { defineStore } from 'pinia';
import { computed, onScopeDispose, shallowRef } from 'vue';
import { hrefBelow, pathIn } from '../lib/session/base.ts';
import { formatRoute, parseRoute, type Route } from '../lib/session/route.ts';

/** Where the reader is. Two pages need no router: this is the address bar as state. */
export const useRoute = defineStore('route', () => {
  const here = (): Route => parseRoute(pathIn(location.pathname), location.hash);
  const route = shallowRef(here());

  const follow = (): void => void (route.value = here());
  window.addEventListener('popstate', follow);
  onScopeDispose(() => window.removeEventListener('popstate', follow));

  const page = computed(() => route.value.page);
  /** The conversation that is open; none on the audit page. */
  const conversationId = computed(() => (page.value === 'chat' ? route.value.conversationId : null));
  const messageId = computed(() => route.value.messageId);
  /** The conversation whose trail is asked for. */
  const audited = computed(() => (page.value === 'audit' ? route.value.conversationId : null));

  /** The query, such as `user_id`, stays. */
  const open = (to: Partial<Route>, { replace = false } = {}): void => {
    const next: Route = { page: 'chat', conversationId: null, messageId: null, ...to };
    const url = hrefBelow(formatRoute(next)) + location.search + (next.messageId === null ? '' : `#${next.messageId}`);
    if (replace) history.replaceState(null, '', url);
    else history.pushState(null, '', url);
    // Also when it is the same place: a message is shown again.
    route.value = next;
  };

  /** `replace`: the place left is not worth coming back to (it was deleted). */
  const go = (to: string | null, options = {}): void => {
    if (page.value === 'chat' && to === conversationId.value) return;
    open({ conversationId: to }, options);
  };

  return { page, conversationId, messageId, audited, route, go, open };
});
