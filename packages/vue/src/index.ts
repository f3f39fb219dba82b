export { clientKey, useClient } from './client.ts';
export { useConversation, type ConversationRefs } from './conversation.ts';
export { useStoreRef } from './store-ref.ts';
