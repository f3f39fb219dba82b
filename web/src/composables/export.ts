import type { Message } from '@runnel/protocol';
import { useClient } from '@runnel/vue';
import { useI18n } from 'vue-i18n';
import { download } from './download.ts';

const PAGE = 200;

/** A conversation as a file, from its first message on, wherever that is kept. */
export const useExport = (): ((conversationId: string, title: string, format: 'md' | 'json') => Promise<void>) => {
  const client = useClient();
  const { t } = useI18n();
  return async (conversationId, title, format) => {
    const messages: Message[] = [];
    for (let hasMore = true; hasMore;) {
      const before = messages[0]?.messageId;
      const page = await client.history(conversationId, { limit: PAGE, ...(before !== undefined && { before }) });
      messages.unshift(...page.messages);
      hasMore = page.hasMore && page.messages.length > 0;
    }
    const { fileName, toJson, toMarkdown } = await import('../lib/conversation/export.ts');
    const labels = { user: t('message.you'), assistant: t('message.answer'), deleted: t('message.deleted') };
    const whole = { conversationId, title, messages };
    const [text, type] = format === 'json' ? [toJson(whole), 'application/json'] : [toMarkdown(whole, labels), 'text/markdown'];
    download(new Blob([text], { type }), fileName(title, format));
  };
};
