/** Browsers drop these inside a URL, so that `/\t/` would be another host. */
const CONTROL = /[\0-\x20\x7f]/;
const LONGEST = 1024;

/**
 * The address to come back to after signing in: a path of this host below the page's own address, else the page. Whatever is given, it never
 * leads elsewhere (open redirect).
 *
 * @param publicUrl the page's address, with its path prefix
 */
export const returnTo = (wanted: unknown, publicUrl: string): URL => {
  const page = new URL(publicUrl);
  if (!page.pathname.endsWith('/')) page.pathname += '/';
  if (typeof wanted !== 'string' || wanted.length > LONGEST || !wanted.startsWith('/') || CONTROL.test(wanted) || wanted.includes('\\'))
    return page;
  if (!URL.canParse(wanted, page.href)) return page;
  const target = new URL(wanted, page);
  const isHere = target.origin === page.origin && target.username === '' && `${target.pathname}/`.startsWith(page.pathname);
  // Coming back to a sign-in would go round and round.
  return isHere && !target.pathname.slice(page.pathname.length - 1).startsWith('/api/') ? target : page;
};
