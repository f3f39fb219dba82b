import { defineStore } from 'pinia';
import { computed, shallowRef } from 'vue';
import type { Me } from '@runnel/client';
import { useClient } from '../client.ts';

/** Who reads this page, and what may be offered to them. Nothing until the server has said so. */
export const useMe = defineStore('me', () => {
  const client = useClient();
  const me = shallowRef<Me | null>(null);
  const load = async (): Promise<void> => {
    // Asked again with the next connection.
    me.value = await client.archive.me().catch(() => me.value);
  };
  return { load, admin: computed(() => me.value?.admin ?? false), archive: computed(() => me.value?.audit ?? false) };
});
