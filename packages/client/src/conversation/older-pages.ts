import { withoutText, type Message, type ServerEvent } from '@runnel/protocol';
import type { Api, MessagePage } from '../api/api.ts';

const PAGE_SIZE = 50;
/** More pages than a reader keeps are never asked for. */
const MAX_PAGES = 20;

/** Reads pages of older messages, minding what changes while they are on their way. */
export interface OlderPages {
  /** The page before a message. */
  page(before: string): Promise<MessagePage>;
  /** At least `count` messages before a message, as far as there are that many. */
  span(before: string, count: number): Promise<MessagePage>;
  /** A message may be deleted after its page was read and before it is shown. */
  see(event: ServerEvent): void;
}

export const createOlderPages = (api: Pick<Api, 'history'>, conversationId: string): OlderPages => {
  const deleted = new Set<string>();
  let reading = 0;

  const clean = (messages: readonly Message[]): Message[] => messages.map((m) => (deleted.has(m.messageId) ? withoutText(m) : m));

  const watching = async (read: () => Promise<MessagePage>): Promise<MessagePage> => {
    reading++;
    try {
      const { messages, hasMore } = await read();
      return { messages: clean(messages), hasMore };
    } finally {
      if (--reading === 0) deleted.clear();
    }
  };

  return {
    page: (before) => watching(() => api.history(conversationId, { before, limit: PAGE_SIZE })),
    span: (before, count) =>
      watching(async () => {
        let all: MessagePage = { messages: [], hasMore: true };
        for (let i = 0; i < MAX_PAGES && all.messages.length < count && all.hasMore; i++) {
          const next = await api.history(conversationId, { before: all.messages[0]?.messageId ?? before, limit: PAGE_SIZE });
          if (next.messages.length === 0) return { ...all, hasMore: false };
          all = { messages: [...next.messages, ...all.messages], hasMore: next.hasMore };
        }
        return all;
      }),
    see(event) {
      if (reading > 0 && event.type === 'message-deleted') deleted.add(event.messageId);
    },
  };
};
