import { useClient, useStoreRef } from '@runnel/vue';
import { defineStore } from 'pinia';
import { computed } from 'vue';
import { useNow } from '../composables/now.ts';
import { badgeOf } from '../lib/session/badge.ts';
import { useChat } from './chat.ts';

/** The connection, and what the badge says of it. */
export const useConnection = defineStore('connection', () => {
  const client = useClient();
  const chat = useChat();
  const state = useStoreRef(() => client.connection);
  const connection = computed(() => state.value ?? client.connection.get());

  const lastResume = computed(() => chat.view?.lastResume ?? null);
  const clock = useNow(() => connection.value.retryAt !== null, 250);
  const badge = computed(() => badgeOf(connection.value, clock.value));

  const online = computed(() => connection.value.status === 'live' || connection.value.status === 'draining');
  /** A server is there, or may be: what it has is not known for good. */
  const asks = computed(() => online.value || connection.value.status === 'connecting');
  const limit = computed(() => connection.value.limits?.textChars ?? 5_000);
  const verified = computed(() => chat.view?.verified ?? 'unknown');

  return { connection, badge, online, asks, limit, lastResume, verified, retry: () => client.reconnect() };
});
