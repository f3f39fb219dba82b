import { ref, watch, type Ref } from 'vue';

const PREFIX = 'runnel:draft:';
/** Whose drafts are in this tab. */
const OWNER = 'runnel:draft-owner';
const keyOf = (conversationId: string | null): string => PREFIX + (conversationId ?? 'new');

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

/** Rises when all drafts are forgotten. */
const forgotten = ref(0);

/** Nothing half-written is left for the next person at this tab. */
export const forgetDrafts = (): void => {
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
  } catch {
    // No storage: there is nothing in it.
  }
  forgotten.value++;
};

/** The reader is known: drafts of another one go. */
export const claimDrafts = (userId: string): void => {
  const owner = read(OWNER);
  if (owner !== '' && owner !== userId) forgetDrafts();
  write(OWNER, userId);
};

/** What was typed and not sent, one per conversation; survives a reload of this tab. */
export const useDraft = (conversationId: () => string | null): Ref<string> => {
  const draft = ref(read(keyOf(conversationId())));
  watch([conversationId, forgotten], ([id]) => (draft.value = read(keyOf(id))), { flush: 'sync' });
  watch(draft, (text) => write(keyOf(conversationId()), text), { flush: 'sync' });
  return draft;
};
