import { parseRoute } from './route.ts';

/** What the service worker does with a request; null: nothing, the browser goes on as if there were none. */
export type Way =
  /** A page of the app: the server's, and without it the kept one. */
  | 'page'
  /** A file whose name stays while its content changes: the same. */
  | 'fixed'
  /** Named by its content: kept once, right for ever. */
  | 'asset';

export interface Asked {
  method: string;
  /** A person goes there, no script asks. */
  navigates: boolean;
  /** Below the worker's scope, with a leading slash; null: elsewhere. */
  path: string | null;
}

/** Only the app's own pages and files: what the API answers is somebody's and is never kept, and other apps of this host are not ours. */
export const wayOf = ({ method, navigates, path }: Asked, fixed: ReadonlySet<string>): Way | null => {
  if (method !== 'GET' || path === null) return null;
  if (navigates) return parseRoute(path).page === 'missing' ? null : 'page';
  if (/^\/assets\/[^/]+$/.test(path)) return 'asset';
  return fixed.has(path) ? 'fixed' : null;
};

/** Path of a URL below a scope that ends with a slash. */
export const pathBelow = (scope: string, url: string): string | null =>
  url.startsWith(scope) ? `/${url.slice(scope.length).split(/[?#]/, 1)[0]}` : null;
