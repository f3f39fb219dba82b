import { isId } from '@runnel/protocol';

/** The page's addresses: a conversation (or none yet), perhaps at one of its messages, the audit trail, perhaps of one; others are missing. */
export interface Route {
  page: 'chat' | 'audit' | 'missing';
  conversationId: string | null;
  /** The message to show; only where a conversation is. */
  messageId: string | null;
}

/** @param hash as in `location.hash` */
export const parseRoute = (path: string, hash = ''): Route => {
  const [known, page, id] = /^\/(?:(c|audit)(?:\/([^/]+))?\/?|index\.html)?$/.exec(path) ?? [];
  if (known === undefined || (id !== undefined && !isId(id))) return { page: 'missing', conversationId: null, messageId: null };
  const conversationId = isId(id) ? id : null;
  const messageId = hash.slice(1);
  if (page === 'audit') return { page, conversationId, messageId: null };
  return { page: 'chat', conversationId, messageId: conversationId !== null && isId(messageId) ? messageId : null };
};

export const formatRoute = ({ page = 'chat', conversationId }: Partial<Route>): string => {
  if (page === 'audit') return conversationId ? `/audit/${conversationId}` : '/audit';
  return conversationId ? `/c/${conversationId}` : '/';
};
