import { defineStore } from 'pinia';
import { reactive, toRefs, watch } from 'vue';
import { isLocale, preferredLocale, speak, type Locale } from '../i18n.ts';
import { storedName } from '../lib/session/base.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

interface Settings {
  theme: Theme;
  /** Null: by the browser. */
  locale: Locale | null;
  /** Null: the server's default. */
  model: string | null;
  sidebar: boolean;
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
    sidebar: stored.sidebar !== false,
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

/** What a reader chose about this page, remembered on this device. */
export const useSettings = defineStore('settings', () => {
  const settings = reactive(load());

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

  return toRefs(settings);
});
