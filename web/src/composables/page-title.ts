import { watchEffect } from 'vue';
import { useChat } from '../stores/chat.ts';

/** The tab says which conversation it is, and whether an answer is coming. */
export const usePageTitle = (): void => {
  const chat = useChat();
  watchEffect(() => {
    const title = chat.title ? `${chat.title} · Runnel` : 'Runnel';
    document.title = chat.runId === null ? title : `≈ ${title}`;
  });
};
