import type { ServerEvent } from '@runnel/protocol';
import { createClient, type ClientOptions } from '../src/client.ts';
import type { ConversationHandle, MismatchReport } from '../src/conversation/conversation-handle.ts';
import { createFakeClock, settle } from './fake-clock.ts';
import { createFakeSockets } from './fake-socket.ts';
import { live, snapshot } from './wire.ts';

/** A client on fake sockets and a clock that the test moves; no network unless `fetch` is given. */
export const setup = async (options: Partial<ClientOptions> = {}) => {
  const clock = createFakeClock();
  const net = createFakeSockets();
  const reports: MismatchReport[] = [];
  const client = createClient({
    url: 'https://chat.example',
    WebSocket: net.WebSocket,
    clock,
    random: () => 0.5,
    signals: () => () => undefined,
    fetch: () => Promise.reject(new TypeError('no network')),
    onMismatch: (report) => reports.push(report),
    ...options,
  });
  await settle();
  const online = (): void => {
    net.link.open();
    net.link.welcome();
  };
  const back = async (): Promise<void> => {
    net.link.drop(1006);
    await clock.advance(40_000);
    online();
  };
  /** Answers the last follow. */
  const follow = (...events: ServerEvent[]): void => {
    net.link.ok('follow');
    for (const event of events) net.link.event(event);
  };
  const begin = (): ConversationHandle => {
    online();
    const chat = client.conversation('c1');
    follow(snapshot({ logId: 'l1' }), live(0));
    return chat;
  };
  return { clock, net, client, reports, online, back, follow, begin };
};
export const view = (chat: ConversationHandle) => chat.state.get();
export const pending = (chat: ConversationHandle): string[] => view(chat).pending.map((p) => p.status);
