import { createI18n } from 'vue-i18n';
import { en, type Messages } from './locales/en.ts';
import { vi } from './locales/vi.ts';

export const LOCALES = ['en', 'vi'] as const;
export type Locale = (typeof LOCALES)[number];

/** The names languages have in themselves. */
export const LOCALE_NAMES: Record<Locale, string> = { en: 'English', vi: 'Tiếng Việt' };

export const isLocale = (value: unknown): value is Locale => LOCALES.includes(value as Locale);

/** The first language of the browser's list that there is; English where there is none. */
export const preferredLocale = (languages: readonly string[]): Locale =>
  languages.map((language) => language.slice(0, 2).toLowerCase()).find(isLocale) ?? 'en';

export const i18n = createI18n<[Messages], Locale, false>({
  legacy: false,
  locale: 'en',
  fallbackLocale: 'en',
  messages: { en, vi },
});
