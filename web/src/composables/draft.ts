import { onScopeDispose, ref, watch, type Ref } from 'vue';
import { storedName } from '../lib/session/base.ts';

const PREFIX = storedName('runnel:draft:');
/** Whose drafts are on this device, and in this tab. */
const OWNER = storedName('runnel:draft-owner');
/** More conversations than anybody writes in at a time; the storage of a browser is small. */
const MOST = 100;
const keyOf = (conversationId: string | null): string => PREFIX + (conversationId ?? 'new');

type Place = 'localStorage' | 'sessionStorage';
const PLACES: readonly Place[] = ['localStorage', 'sessionStorage'];
const storage = (place: Place): Storage | null => {
  try {
    return window[place];
  } catch {
    return null;
  }
};
const keysIn = (place: Place): string[] => Object.keys(storage(place) ?? {}).filter((key) => key.startsWith(PREFIX));

/** Somebody is known to be the owner of what is on the device. Before that, only what this tab itself holds is shown. */
const claimed = ref(false);
/** Rises when drafts have to be read again. */
const changed = ref(0);

const read = (key: string): string => storage(claimed.value ? 'localStorage' : 'sessionStorage')?.getItem(key) ?? '';
const write = (key: string, text: string): void => {
  for (const place of PLACES) {
    try {
      if (text === '') storage(place)?.removeItem(key);
      else if (storage(place)?.getItem(key) !== null || keysIn(place).length < MOST) storage(place)?.setItem(key, text);
    } catch {
      // Full or forbidden: the draft lives as long as the page.
    }
  }
};

/** Nothing half-written is left for the next person at this device. */
export const forgetDrafts = (): void => {
  for (const place of PLACES) for (const key of keysIn(place)) storage(place)?.removeItem(key);
  changed.value++;
};

const ownerIn = (place: Place): string => storage(place)?.getItem(OWNER) ?? '';

/** The reader is known: drafts of another one go. */
export const claimDrafts = (userId: string): void => {
  if (PLACES.some((place) => ownerIn(place) !== '' && ownerIn(place) !== userId)) forgetDrafts();
  for (const place of PLACES) {
    try {
      storage(place)?.setItem(OWNER, userId);
    } catch {
      // Full or forbidden: there are no drafts in it either.
    }
  }
  if (claimed.value) return;
  // What was typed in this tab before the reader was known is the newest there is.
  for (const key of keysIn('sessionStorage')) write(key, storage('sessionStorage')!.getItem(key)!);
  claimed.value = true;
  changed.value++;
};

/** What was typed and not sent, one per conversation; survives the tab, and is the same in all tabs of one person. */
export const useDraft = (conversationId: () => string | null): Ref<string> => {
  const draft = ref(read(keyOf(conversationId())));
  watch([conversationId, changed], ([id]) => (draft.value = read(keyOf(id))), { flush: 'sync' });
  watch(draft, (text) => write(keyOf(conversationId()), text), { flush: 'sync' });
  const onStorage = ({ key, newValue }: StorageEvent): void => {
    // Two tabs side by side: the one that is written in is right.
    if (claimed.value && key === keyOf(conversationId()) && !document.hasFocus()) draft.value = newValue ?? '';
  };
  window.addEventListener('storage', onStorage);
  onScopeDispose(() => window.removeEventListener('storage', onStorage));
  return draft;
};
