import type { Message, Part } from '@runnel/protocol';
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
    // Messages carry the beginnings of long parts; a file has all of them, where they can still be told.
    for (const [at, message] of messages.entries()) {
      if (!message.parts?.some(({ truncated }) => truncated)) continue;
      const whole = (part: Part): Promise<Part> => client.part(conversationId, part.partId).catch(() => part);
      const parts = await Promise.all(message.parts.map((part) => (part.truncated ? whole(part) : part)));
      messages[at] = { ...message, parts };
    }
    const { fileName, toJson, toMarkdown } = await import('../lib/conversation/export.ts');
    const labels = { user: t('message.you'), assistant: t('message.answer'), deleted: t('message.deleted') };
    const whole = { conversationId, title, messages };
    const [text, type] = format === 'json' ? [toJson(whole), 'application/json'] : [toMarkdown(whole, labels), 'text/markdown'];
    download(new Blob([text], { type }), fileName(title, format));
  };
};
