import { isId } from '@runnel/protocol';

/** The page's only address: a conversation, or none yet. */
export interface Route {
  conversationId: string | null;
}

export const parseRoute = (path: string): Route => {
  const id = /^\/c\/([^/]+)\/?$/.exec(path)?.[1];
  return { conversationId: isId(id) ? id : null };
};

export const formatRoute = (route: Route): string => (route.conversationId === null ? '/' : `/c/${route.conversationId}`);
