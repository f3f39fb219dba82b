/** Where this page stands on its host, with a slash at both ends. The server that sends the page writes it there (`PUBLIC_URL`). */
const baseOf = (content: string | undefined): string => (content !== undefined && /^\/([\w.-]+\/)*$/.test(content) ? content : '/');

/** `/`, or what a path prefix makes of it: `/tools/chat/`. */
export const BASE: string =
  typeof document === 'undefined' ? '/' : baseOf(document.querySelector<HTMLMetaElement>('meta[name="base"]')?.content);

/** A path of the app, such as `/c/x`, as the address bar has it. Pure. */
export const hrefBelow = (path: string, base = BASE): string => base + path.slice(1);

/** The path of the app that an address has; what is not below the base is another app's, and missing here. Pure. */
export const pathIn = (pathname: string, base = BASE): string => {
  if (`${pathname}/` === base) return '/';
  return pathname.startsWith(base) ? `/${pathname.slice(base.length)}` : '';
};

/**
 * The name under which the browser keeps something. Pages of one host share its storage: two installations behind two prefixes must not
 * find each other's drafts, readers and waiting prompts. Pure.
 */
export const storedName = (name: string, base = BASE): string => (base === '/' ? name : base + name);
