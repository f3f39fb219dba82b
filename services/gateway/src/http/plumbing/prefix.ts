/** What a gateway and the page answer to themselves: below such a prefix nobody could tell whether a proxy has taken it away. */
const OWN = new Set(['api', 'ws', 'v1', 'c', 'audit', 'assets']);
/** What neither a proxy's configuration nor a browser writes in two ways, and no page of HTML has to escape. */
const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
const LONGEST = 200;

const pathOf = (publicUrl: string): string => new URL(publicUrl).pathname.replace(/\/+$/, '');

/** The path prefix of `PUBLIC_URL`, such as `/tools/chat`; empty where the page has its host for itself, or where nothing is set. Pure. */
export const prefixOf = (publicUrl: string | undefined): string => (publicUrl === undefined ? '' : pathOf(publicUrl));

/** Why a `PUBLIC_URL` cannot be served. Pure. */
export const prefixProblems = ({ publicUrl }: { publicUrl?: string | undefined }): string[] => {
  if (publicUrl === undefined) return [];
  const { search, hash } = new URL(publicUrl);
  const [, ...segments] = pathOf(publicUrl).split('/');
  const own = segments[0]?.toLowerCase();
  return [
    ...(search === '' && hash === '' ? [] : ['PUBLIC_URL must have no ? and no #']),
    ...(segments.every((segment) => SEGMENT.test(segment)) && pathOf(publicUrl).length <= LONGEST
      ? []
      : [`PUBLIC_URL: a path has letters, digits, . _ - between single slashes, ${LONGEST} characters at most`]),
    ...(own !== undefined && OWN.has(own)
      ? [`PUBLIC_URL: a path cannot begin with /${own}, which the page and its API have themselves`]
      : []),
  ];
};

/**
 * The target of a request as the routes know it. A proxy in front may take the prefix away or leave it: no route begins with it, so what begins
 * with it still has it. Pure.
 */
export const withoutPrefix = (target: string, prefix: string): string => {
  if (prefix === '' || !target.startsWith(prefix)) return target;
  const rest = target.slice(prefix.length);
  if (rest === '' || rest.startsWith('?')) return `/${rest}`;
  return rest.startsWith('/') ? rest : target;
};

/** Where somebody who left the last slash out is sent, since what a page keeps for the time without a network lies below it; null: nowhere. Pure. */
export const missingSlash = (target: string, prefix: string): string | null => {
  const [path, query] = target.split(/\?(.*)/s, 2);
  return prefix !== '' && path === prefix ? `${prefix}/${query === undefined ? '' : `?${query}`}` : null;
};

/** The built page with its own addresses, of which each attribute holds one, below the prefix; `nginx-ingress` does the same. Pure. */
export const pageBelow = (html: string, prefix: string): string => html.replaceAll('="/', `="${prefix}/`);
