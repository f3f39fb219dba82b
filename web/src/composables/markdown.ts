import { computed, shallowRef, type ComputedRef } from 'vue';
import { useI18n } from 'vue-i18n';
import type { RenderMarkdown } from '../lib/markdown/markdown.ts';

type Library = typeof import('../lib/markdown/markdown.ts');

/** Loaded beside the page, not with it: neither the first paint nor a page without a conversation waits for a parser. */
const library = shallowRef<Library | null>(null);
let loading: Promise<void> | null = null;
export const loadMarkdown = (): Promise<void> =>
  (loading ??= import('../lib/markdown/markdown.ts').then(
    (loaded) => void (library.value = loaded),
    // Offline, or a newer release took the file away: answers stay plain text, and the next one tries again.
    () => void (loading = null),
  ));

/** Answers are drawn as they will stay. */
export const canDraw = (): boolean => library.value !== null;

const renderers = new Map<string, RenderMarkdown>();

type Translate = ReturnType<typeof useI18n>['t'];
const rendererOf = ({ createMarkdown }: Library, locale: string, t: Translate): RenderMarkdown => {
  const known = renderers.get(locale);
  if (known) return known;
  const render = createMarkdown({
    copy: t('message.copy'),
    image: t('message.image'),
    table: t('message.table'),
    note: t('message.note'),
    back: t('message.noteBack'),
  });
  renderers.set(locale, render);
  return render;
};

/** The renderer in the reader's language; null until it is loaded, when plain text is what there is. */
export const useMarkdown = (): ComputedRef<RenderMarkdown | null> => {
  const { t, locale } = useI18n();
  void loadMarkdown();
  return computed(() => library.value && rendererOf(library.value, locale.value, t));
};

/** What most answers have. */
const SAMPLE = 'A **word** and `code`.\n\n- one\n- two\n\n```ts\nconst a = "b"; // c\n```\n\n| a | b |\n| - | - |\n| 1 | 2 |\n';

/**
 * Draws once for nobody while a conversation's words are still on their way: a browser compiles each function when it is first called, and
 * this is the time in which the page waits for the network anyway.
 */
export const useWarmMarkdown = (): (() => Promise<void>) => {
  const { t, locale } = useI18n();
  return async () => {
    await loadMarkdown();
    if (library.value) rendererOf(library.value, locale.value, t)(SAMPLE);
  };
};
