import type { Settings as Kept, SettingsPatch } from '@runnel/client';
import { isLocale, type Locale } from '../../i18n.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];
export const SEND_KEYS = ['enter', 'mod-enter'] as const;
export type SendKey = (typeof SEND_KEYS)[number];

/** What the server keeps of a page's settings, as the page has it. */
export interface Choices {
  theme: Theme;
  /** Null: by the browser. */
  locale: Locale | null;
  sendKey: SendKey;
  sidebar: boolean;
}
export type Choice = keyof Choices;
export const CHOICES: readonly Choice[] = ['theme', 'locale', 'sendKey', 'sidebar'];

/** These choices as the server is told of them. Pure. */
export const patchOf = (choices: Choices, which: readonly Choice[]): SettingsPatch => ({
  ...(which.includes('theme') && { theme: choices.theme }),
  ...(which.includes('locale') && { language: choices.locale }),
  ...(which.includes('sendKey') && { sendKey: choices.sendKey }),
  ...(which.includes('sidebar') && { sidebar: choices.sidebar ? ('open' as const) : ('closed' as const) }),
});

/** What the server has, as far as this page knows of it: what was never chosen, or is of a later release, is the device's own. Pure. */
export const choicesIn = ({ theme, language, sendKey, sidebar }: Kept): Partial<Choices> => ({
  ...(THEMES.includes(theme as Theme) && { theme: theme as Theme }),
  ...(isLocale(language) && { locale: language }),
  ...(SEND_KEYS.includes(sendKey as SendKey) && { sendKey: sendKey as SendKey }),
  ...((sidebar === 'open' || sidebar === 'closed') && { sidebar: sidebar === 'open' }),
});

/** Chosen here, and not known to have reached the server: whose, and which. */
export interface Unsent {
  userId: string;
  choices: readonly Choice[];
}

/** What stands in the browser's storage; what is not ours there, or another's, is nothing. Pure. */
export const readUnsent = (stored: string | null, userId: string): readonly Choice[] => {
  try {
    const found = JSON.parse(stored ?? 'null') as Partial<Unsent> | null;
    return found?.userId === userId && Array.isArray(found.choices) ? CHOICES.filter((choice) => found.choices!.includes(choice)) : [];
  } catch {
    return [];
  }
};
