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

/** The renderer in the reader's language; null until it is loaded, when plain text is what there is. */
export const useMarkdown = (): ComputedRef<RenderMarkdown | null> => {
  const { t, locale } = useI18n();
  void loadMarkdown();
  return computed(() => {
    if (!library.value) return null;
    let render = renderers.get(locale.value);
    if (!render) {
      render = library.value.createMarkdown({
        copy: t('message.copy'),
        image: t('message.image'),
        table: t('message.table'),
        note: t('message.note'),
        back: t('message.noteBack'),
      });
      renderers.set(locale.value, render);
    }
    return render;
  });
};
