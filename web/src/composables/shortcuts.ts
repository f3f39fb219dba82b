import { onMounted, onScopeDispose, watch } from 'vue';
import { isTypingKey } from '../lib/keys.ts';
import { useChat } from '../stores/chat.ts';
import { useNotices } from '../stores/notices.ts';
import { useOverlays } from '../stores/overlays.ts';
import { useRoute } from '../stores/route.ts';
import { useSignIn } from '../stores/sign-in.ts';

const EDITABLE = 'input, textarea, select, [contenteditable]';
/** Menus have their own typing: the first letter of an item. */
const OWN_KEYS = '[role="menu"], [role="dialog"], [role="alertdialog"]';

/** What an Escape closes or empties first. */
const OPEN = '[role="menu"], [role="dialog"], [role="alertdialog"], [aria-haspopup][aria-expanded="true"]';

/** An Escape that closes a popover, empties a search or takes a word back from an input method does not stop an answer as well. */
const isMeantForAnother = (event: KeyboardEvent, target: Element): boolean =>
  event.isComposing || target.closest('[type="search"]') !== null || document.querySelector(OPEN) !== null;

/** Keys that work anywhere on the page, and where the focus goes when the conversation changes. */
export const useShortcuts = ({ focusComposer }: { focusComposer: () => void }): void => {
  const chat = useChat();
  const route = useRoute();
  const notices = useNotices();
  const overlays = useOverlays();
  const signIn = useSignIn();
  const touch = window.matchMedia('(pointer: coarse)');

  const passed = new WeakSet<KeyboardEvent>();
  const onKey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || passed.has(event)) return;
    const target = event.target as Element;
    const key = event.key.toLowerCase();
    const chord = (event.ctrlKey || event.metaKey) && !event.altKey;
    if (chord && !event.shiftKey && key === 'k') {
      event.preventDefault();
      overlays.open = overlays.open === 'palette' ? null : 'palette';
    } else if (chord && event.shiftKey && key === 'o') {
      event.preventDefault();
      route.go(null);
      focusComposer();
    } else if (key === '?' && !chord && !event.isComposing && !target.closest(EDITABLE) && !target.closest(OWN_KEYS)) {
      event.preventDefault();
      overlays.open = 'keys';
    } else if (event.key === 'Escape' && chat.runId !== null) {
      event.preventDefault();
      void notices.attempt(chat.stop);
    } else if (isTypingKey(event) && !target.closest(EDITABLE) && !target.closest(OWN_KEYS)) {
      focusComposer();
    }
  };
  // Before a popover has closed itself: afterwards nobody could tell whom the key was for.
  const onKeyFirst = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' && isMeantForAnother(event, event.target as Element)) passed.add(event);
  };
  window.addEventListener('keydown', onKeyFirst, { capture: true });
  window.addEventListener('keydown', onKey);
  onScopeDispose(() => {
    window.removeEventListener('keydown', onKeyFirst, { capture: true });
    window.removeEventListener('keydown', onKey);
  });

  // On a phone the keyboard would cover what the reader came to see.
  const focusUnlessTouch = (): void => {
    if (!touch.matches) focusComposer();
  };
  onMounted(focusUnlessTouch);
  watch(() => route.conversationId, focusUnlessTouch, { flush: 'post' });
  watch(() => !signIn.needed, focusUnlessTouch, { flush: 'post' });
};
