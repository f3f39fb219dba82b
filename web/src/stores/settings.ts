import { defineStore } from 'pinia';
import { onScopeDispose, reactive, toRefs, watch } from 'vue';
import { isLocale, preferredLocale, speak, type Locale } from '../i18n.ts';
import { SEND_KEYS, THEMES, type Choices } from '../lib/own/choices.ts';
import { storedName } from '../lib/session/base.ts';

export { THEMES } from '../lib/own/choices.ts';

interface Settings extends Choices {
  /** Null: the server's default. */
  model: string | null;
  /** Conversations may be kept on this device for the time without a network. */
  copies: boolean;
}

/** Also read by public/appearance.js before the first paint. */
const KEY = storedName('runnel:settings');

const load = (): Settings => {
  let stored: Partial<Settings> = {};
  try {
    stored = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Settings>;
  } catch {
    // No storage, or not ours: the defaults stand.
  }
  return {
    theme: THEMES.find((theme) => theme === stored.theme) ?? 'system',
    locale: isLocale(stored.locale) ? stored.locale : null,
    model: typeof stored.model === 'string' ? stored.model : null,
    sendKey: SEND_KEYS.find((key) => key === stored.sendKey) ?? 'enter',
    sidebar: stored.sidebar !== false,
    copies: stored.copies !== false,
  };
};

/** The language to begin with, before anything is drawn. */
export const firstLocale = (): Locale => load().locale ?? preferredLocale(navigator.languages);

const save = (settings: Settings): void => {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // Private window or full: the choice lives as long as the page.
  }
};

/** What a reader chose about this page, remembered on this device; the server keeps what is told to it (`own.ts`). */
export const useSettings = defineStore('settings', () => {
  const settings = reactive(load());
  let taking = false;
  /** Takes what was chosen elsewhere: it is not this page's choice, and told to nobody. */
  const take = (chosen: Partial<Settings>): void => {
    taking = true;
    Object.assign(settings, chosen);
    taking = false;
  };

  watch(settings, save);
  watch(
    () => settings.theme,
    (theme) => {
      if (theme === 'system') delete document.documentElement.dataset['theme'];
      else document.documentElement.dataset['theme'] = theme;
    },
    { immediate: true },
  );
  watch(
    () => settings.locale ?? preferredLocale(navigator.languages),
    (locale) => void speak(locale),
    { immediate: true },
  );
  // Another tab of this browser. Its list and its model are its own.
  const onStorage = ({ key }: StorageEvent): void => {
    if (key !== KEY) return;
    const { theme, locale, sendKey, copies } = load();
    take({ theme, locale, sendKey, copies });
  };
  window.addEventListener('storage', onStorage);
  onScopeDispose(() => window.removeEventListener('storage', onStorage));

  return { ...toRefs(settings), take, isTaking: () => taking };
});
