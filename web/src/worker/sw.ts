/**
 * The page without a network: keeps the built files of one release, and nothing else. A server that answers is always asked for the page
 * itself, so that an old page never meets a new server; files named by their content come from here, also for a page that was opened before
 * the release. Built into `/sw.js` by `web/service-worker.ts`.
 */
import { storedName } from '../lib/session/base.ts';
import { pathBelow, wayOf } from '../lib/session/shell.ts';

/** Of the build: its release, files named by their content, and the others. All below the scope, with a leading slash. */
declare const __SHELL__: { release: string; assets: string[]; fixed: string[] };

interface Lasting extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Lasting {
  readonly request: Request;
  readonly preloadResponse?: Promise<Response | undefined>;
  respondWith(answer: Promise<Response>): void;
}
/** The part of ServiceWorkerGlobalScope that is used; TypeScript's own types of workers exclude those of pages. */
interface Worker {
  readonly registration: { readonly scope: string; readonly navigationPreload?: { enable(): Promise<void> } };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'activate', listener: (event: Lasting) => void): void;
  addEventListener(type: 'fetch', listener: (event: Fetching) => void): void;
}
const worker = self as unknown as Worker;

const { release, assets, fixed } = __SHELL__;
const { scope } = worker.registration;
/** Caches belong to the host: another installation below another path of it has its own. */
const PREFIX = storedName('runnel-shell-', new URL(scope).pathname);
const NAME = PREFIX + release;
const FIXED = new Set(fixed);
/** A server that takes longer for a page is as good as none (ms). */
const PATIENCE_MS = 5_000;

const at = (path: string): string => scope + path.slice(1);
const isHtml = (answer: Response): boolean => (answer.headers.get('content-type') ?? '').includes('html');
const isWhole = (answer: Response): boolean => answer.status === 200 && answer.type === 'basic' && !answer.redirected;

/** @throws where the server has another release now, or a sign-in in front of it: the browser tries again later. */
const fill = async (): Promise<void> => {
  const cache = await caches.open(NAME);
  const page = await fetch(scope, { cache: 'no-cache', headers: { accept: 'text/html' } });
  if (!isWhole(page) || !(await page.clone().text()).includes(`content="${release}"`)) throw new Error('not the page of this release');
  for (const path of [...assets, ...fixed]) {
    const known = FIXED.has(path) ? undefined : await caches.match(at(path), { ignoreVary: true });
    const file = known ?? (await fetch(at(path), FIXED.has(path) ? { cache: 'no-cache' } : {}));
    if (!known && (!isWhole(file) || isHtml(file))) throw new Error(`not there: ${path}`);
    await cache.put(at(path), file);
  }
  // Last: what has a page is whole.
  await cache.put(scope, page);
};

/** The release before stays: a page of it that is still open may load the rest of its files. */
const tidy = async (): Promise<void> => {
  const ours = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== NAME);
  await Promise.all(ours.slice(0, -1).map((name) => caches.delete(name)));
};

const kept = async (url: string): Promise<Response | undefined> => (await caches.open(NAME)).match(url, { ignoreVary: true });

const late = (): Promise<never> => new Promise((_, reject) => setTimeout(() => reject(new Error('no answer in time')), PATIENCE_MS));

/** The server's answer, and what is kept where it has none, or none that helps anybody. */
const serversFirst = async (asked: Promise<Response>, url: string): Promise<Response> => {
  try {
    const answer = await Promise.race([asked, late()]);
    return answer.status < 500 ? answer : ((await kept(url)) ?? answer);
  } catch (error) {
    const otherwise = await kept(url);
    if (otherwise) return otherwise;
    // Too late is better than never.
    return asked.catch(() => Promise.reject(error));
  }
};

const keptFirst = async (request: Request): Promise<Response> => {
  const known = await caches.match(request.url, { ignoreVary: true });
  if (known) return known;
  const answer = await fetch(request);
  if (isWhole(answer) && !isHtml(answer)) await (await caches.open(NAME)).put(request.url, answer.clone()).catch(() => undefined);
  return answer;
};

const preloadedOr = async (event: Fetching): Promise<Response> => (await event.preloadResponse) ?? fetch(event.request);

worker.addEventListener('install', (event) => event.waitUntil(fill().then(() => worker.skipWaiting())));
worker.addEventListener('activate', (event) =>
  event.waitUntil(Promise.all([tidy(), worker.registration.navigationPreload?.enable(), worker.clients.claim()])),
);
worker.addEventListener('fetch', (event) => {
  const { method, mode, url } = event.request;
  const way = wayOf({ method, navigates: mode === 'navigate', path: pathBelow(scope, url) }, FIXED);
  if (way === 'page') event.respondWith(serversFirst(preloadedOr(event), scope));
  else if (way === 'fixed') event.respondWith(serversFirst(fetch(event.request), url));
  else if (way === 'asset') event.respondWith(keptFirst(event.request));
});
