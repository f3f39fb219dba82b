import { ref, watch, type Ref } from 'vue';

const keyOf = (conversationId: string | null): string => `runnel:draft:${conversationId ?? 'new'}`;

const read = (key: string): string => {
  try {
    return sessionStorage.getItem(key) ?? '';
  } catch {
    return '';
  }
};
const write = (key: string, text: string): void => {
  try {
    if (text === '') sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, text);
  } catch {
    // No storage: the draft lives as long as the page.
  }
};

/** What was typed and not sent, one per conversation; survives a reload of this tab. */
export const useDraft = (conversationId: () => string | null): Ref<string> => {
  const draft = ref(read(keyOf(conversationId())));
  watch(conversationId, (id) => (draft.value = read(keyOf(id))), { flush: 'sync' });
  watch(draft, (text) => write(keyOf(conversationId()), text), { flush: 'sync' });
  return draft;
};
