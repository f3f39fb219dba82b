import { createI18n } from 'vue-i18n';
import { saidAll } from './lib/message-forms.ts';
import { en, type Messages } from './locales/en.ts';

export const LOCALES = ['en', 'vi'] as const;
export type Locale = (typeof LOCALES)[number];

/** The names languages have in themselves. */
export const LOCALE_NAMES: Record<Locale, string> = { en: 'English', vi: 'Tiếng Việt' };

/** English is what stands in for everything; another language comes when somebody reads it. */
const OTHERS: Record<Exclude<Locale, 'en'>, () => Promise<Messages>> = {
  vi: () => import('./locales/vi.ts').then(({ vi }) => vi),
};

export const isLocale = (value: unknown): value is Locale => LOCALES.includes(value as Locale);

/** The first language of the browser's list that there is; English where there is none. */
export const preferredLocale = (languages: readonly string[]): Locale =>
  languages.map((language) => language.slice(0, 2).toLowerCase()).find(isLocale) ?? 'en';

export const i18n = createI18n<[Messages], Locale, false>({
  legacy: false,
  locale: 'en',
  fallbackLocale: 'en',
  messages: { en: saidAll(en) } as unknown as Record<Locale, Messages>,
});

const loaded = new Set<Locale>(['en']);
let wanted: Locale = 'en';

/** Speaks this language as soon as its words are here; the last one that was asked for counts. Without them the present one stays. */
export const speak = async (locale: Locale): Promise<void> => {
  wanted = locale;
  if (locale !== 'en' && !loaded.has(locale)) {
    const messages = await OTHERS[locale]().catch(() => null);
    if (messages === null) return;
    i18n.global.setLocaleMessage(locale, saidAll(messages) as unknown as Messages);
    loaded.add(locale);
  }
  if (wanted !== locale) return;
  i18n.global.locale.value = locale;
  document.documentElement.lang = locale;
};
