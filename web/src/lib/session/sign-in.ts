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

/** What the panel says first. `fresh`: nobody has been here yet; `ended`: a session that the server keeps is not there any more. */
export type SignInNews = 'fresh' | 'expired' | 'ended' | 'wrong';

/** Why nobody was let in. `pasted`: a token has just been; `known`: this tab had somebody, or a token from before a reload. */
export const newsOf = ({ pasted, known, kept }: { pasted: boolean; known: boolean; kept: boolean }): SignInNews => {
  if (pasted) return 'wrong';
  if (!known) return 'fresh';
  return kept ? 'ended' : 'expired';
};

/** What became of a sign-in that did not work: words that the server puts into the address when it sends somebody back. */
export const SIGN_IN_RESULTS = ['expired', 'refused', 'forbidden', 'unavailable', 'failed'] as const;
export type SignInResult = (typeof SIGN_IN_RESULTS)[number];

/** The result in an address, and the address without it: a reload, or a link that is passed on, does not say it again. */
export const takeResult = (href: string): { result: SignInResult | null; href: string } => {
  const url = new URL(href);
  const word = url.searchParams.get('sign_in');
  if (word === null) return { result: null, href };
  url.searchParams.delete('sign_in');
  return { result: SIGN_IN_RESULTS.find((known) => known === word) ?? 'failed', href: url.href };
};
