import type { Client, ConnectionState } from '@runnel/client';
import type { ConversationState } from '@runnel/protocol';

/** Whether no server can be reached. One that refuses is reached: then nobody is shown what is kept. */
export const isCut = (status: ConnectionState['status']): boolean => status === 'offline' || status === 'reconnecting';

/** Resolves as soon as it is known whether a server can be reached. */
const settled = (connection: Client['connection']): Promise<ConnectionState['status']> =>
  new Promise((resolve) => {
    const first = connection.get().status;
    if (first !== 'connecting') return resolve(first);
    const leave = connection.subscribe(({ status }) => {
      if (status === 'connecting') return;
      leave();
      resolve(status);
    });
  });

/** What this device has of a conversation, where no server can be reached and `reader` says whose page this is. */
export const recall = async (client: Client, reader: () => string | null, conversationId: string): Promise<ConversationState | null> => {
  if (!isCut(await settled(client.connection))) return null;
  const owner = reader();
  if (owner === null) return null;
  // Not in the first load: most pages find a server.
  const { keptConversation } = await import('./kept-store.ts');
  return keptConversation(owner, conversationId);
};
