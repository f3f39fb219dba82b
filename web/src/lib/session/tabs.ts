import { storedName } from './base.ts';

/** What tabs of one person tell each other about the list of conversations. */
export type TabNews =
  | { kind: 'touched'; conversationId: string; title: string; updatedAt: number }
  | { kind: 'gone'; conversationId: string }
  | { kind: 'run'; conversationId: string; state: 'answering' | 'waiting' | 'ended' };

export interface Tabs {
  tell(news: TabNews): void;
  close(): void;
}

const NAME = storedName('runnel:conversations');

/** @param me names the person now; what tabs of somebody else tell is not heard */
export const openTabs = (me: () => string | null, hear: (news: TabNews) => void): Tabs => {
  // Not in all browsers; then the server's list is what there is.
  if (typeof BroadcastChannel === 'undefined') return { tell: () => undefined, close: () => undefined };
  const channel = new BroadcastChannel(NAME);
  channel.addEventListener('message', ({ data }: MessageEvent<{ userId: string; news: TabNews } | null>) => {
    if (data && data.userId === me()) hear(data.news);
  });
  return {
    tell(news) {
      const userId = me();
      if (userId !== null) channel.postMessage({ userId, news });
    },
    close: () => channel.close(),
  };
};
