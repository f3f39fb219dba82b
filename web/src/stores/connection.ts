import { useClient, useStoreRef } from '@runnel/vue';
import { defineStore } from 'pinia';
import { computed, ref, watch } from 'vue';
import { useNow } from '../composables/now.ts';
import { badgeOf, NEWS_MS } from '../lib/session/badge.ts';
import { useChat } from './chat.ts';

/** What a first load without anything to catch up on would only boast about. */
const isNews = (resume: { kind: string; events: number }, first: boolean): boolean => !first || resume.events > 1;

/** The connection, and what the badge says of it. */
export const useConnection = defineStore('connection', () => {
  const client = useClient();
  const chat = useChat();
  const state = useStoreRef(() => client.connection);
  const connection = computed(() => state.value ?? client.connection.get());

  const lastResume = computed(() => chat.view?.lastResume ?? null);
  const resumedAt = ref(0);
  const provedAt = ref(0);
  watch(lastResume, (resume, before) => {
    if (resume && resume !== before && isNews(resume, before === null)) resumedAt.value = Date.now();
  });
  // What was true of one conversation is no news in another.
  watch(
    () => chat.handle,
    () => (resumedAt.value = provedAt.value = 0),
    { flush: 'sync' },
  );
  watch(
    () => chat.proved,
    () => (provedAt.value = Date.now()),
  );

  const clock = useNow(() => connection.value.retryAt !== null || Date.now() - Math.max(resumedAt.value, provedAt.value) < NEWS_MS, 250);
  const badge = computed(() =>
    badgeOf({
      connection: connection.value,
      lastResume: lastResume.value,
      resumedAt: resumedAt.value,
      provedAt: provedAt.value,
      now: Math.max(clock.value, resumedAt.value, provedAt.value),
    }),
  );

  const online = computed(() => connection.value.status === 'live' || connection.value.status === 'draining');
  const limit = computed(() => connection.value.limits?.textChars ?? 5_000);
  const verified = computed(() => chat.view?.verified ?? 'unknown');

  return { connection, badge, online, limit, lastResume, verified, retry: () => client.reconnect() };
});
