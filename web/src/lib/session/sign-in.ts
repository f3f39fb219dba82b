/** Longer than a gateway reads. */
const MAX_TOKEN_CHARS = 8192;

/** What was pasted as a token: without blanks around it and a copied `Bearer`. Null: no token looks like that. */
export const readToken = (pasted: string): string | null => {
  const token = pasted.trim().replace(/^bearer\s+/i, '');
  return /^[\x21-\x7e]+$/.test(token) && token.length <= MAX_TOKEN_CHARS ? token : null;
};

const RETURN = '{return}';

/**
 * The link to the operator's sign-in page, with the way back in it: a sign-in on this host gets a path, since auth proxies follow
 * only those without being told of the host; another host gets the whole address. Null for what is no web address.
 */
export const signInHref = (url: string, page: Pick<Location, 'origin' | 'pathname' | 'search' | 'hash'>): string | null => {
  if (!/^(https?:\/\/|\/(?![/\\]))/i.test(url)) return null;
  const path = page.pathname + page.search + page.hash;
  return url.replaceAll(RETURN, encodeURIComponent(url.startsWith('/') ? path : page.origin + path));
};

/** What the panel says first. `fresh`: nobody has been here yet. */
export type SignInNews = 'fresh' | 'expired' | 'wrong';

/** Why nobody was let in. `pasted`: a token has just been; `known`: this tab had somebody, or a token from before a reload. */
export const newsOf = ({ pasted, known }: { pasted: boolean; known: boolean }): SignInNews =>
  pasted ? 'wrong' : known ? 'expired' : 'fresh';
