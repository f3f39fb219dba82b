import { defineStore } from 'pinia';
import { computed, shallowRef } from 'vue';
import type { Me } from '@runnel/client';
import { useClient } from '@runnel/vue';
import { useSignIn } from './sign-in.ts';

/** Who reads this page, and what may be offered to them. Nothing until the server has said so. */
export const useMe = defineStore('me', () => {
  const client = useClient();
  const signIn = useSignIn();
  const me = shallowRef<Me | null>(null);
  const load = async (): Promise<void> => {
    // What fails is asked again with the next connection.
    await client.archive.me().then((now) => (me.value = now), signIn.hearError);
  };
  return {
    load,
    /** Who this is was said. */
    known: computed(() => me.value !== null),
    userId: computed(() => me.value?.userId ?? ''),
    role: computed(() => me.value?.role ?? (me.value?.admin ? 'admin' : 'user')),
    /** Everybody's trail and figures, which an auditor reads as an admin does. */
    readsAll: computed(() => me.value?.admin === true || me.value?.role === 'auditor'),
    archive: computed(() => me.value?.audit ?? false),
    /** Whether pages may keep conversations on a device; null: the server has not said yet. */
    copies: computed(() => (me.value === null ? null : me.value.copies !== false)),
  };
});
