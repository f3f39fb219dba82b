import { watchEffect } from 'vue';
import { useI18n } from 'vue-i18n';
import { useChat } from '../stores/chat.ts';
import { useRoute } from '../stores/route.ts';

/** The tab says which conversation it is, and whether an answer is coming. */
export const usePageTitle = (): void => {
  const { t } = useI18n();
  const chat = useChat();
  const route = useRoute();
  watchEffect(() => {
    const place = route.page === 'audit' ? t('audit.title') : chat.title;
    const title = place ? `${place} · Runnel` : 'Runnel';
    document.title = chat.runId === null ? title : `≈ ${title}`;
  });
};
