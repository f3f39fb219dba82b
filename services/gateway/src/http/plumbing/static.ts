import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { missingSlash, pageBelow } from './prefix.ts';

const YEAR_SECONDS = 31_536_000;

/** Vite names what it puts into `assets/` by content: such a file never changes. Everything else is asked for again each time. */
const cacheControlFor = (path: string): string =>
  /[\\/]assets[\\/][^\\/]+$/.test(path) ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache';

/** Paths a program asks for: a missing one is a problem document, never the page. */
const isProgramPath = (path: string): boolean => /^\/(api|v1|ws)(\/|$)/.test(path);

/** A person's browser that opens a page of the single-page app, such as `/c/<conversation>`; a missing file has a dot in its name. */
const wantsPage = (request: Pick<FastifyRequest, 'method' | 'url' | 'headers'>): boolean => {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  const path = request.url.split('?', 1)[0]!;
  const isFile = path.slice(path.lastIndexOf('/') + 1).includes('.');
  return !isProgramPath(path) && !isFile && (request.headers.accept ?? '').includes('text/html');
};

/** The page with its addresses below the prefix. Read each time: it is small, and a new build may take its place. */
const belowPrefix = async (webDir: string, prefix: string, reply: FastifyReply): Promise<string> => {
  const html = await readFile(join(webDir, 'index.html'), 'utf8');
  void reply.type('text/html; charset=utf-8').header('cache-control', cacheControlFor('index.html'));
  return pageBelow(html, prefix);
};

/** `index.html` for every page of the single-page app; the server's last word before "not found". Needs `registerStatic`. */
export const sendPage =
  (webDir: string, prefix = '') =>
  (request: FastifyRequest, reply: FastifyReply): boolean => {
    if (!wantsPage(request)) return false;
    if (prefix === '') void reply.sendFile('index.html');
    else
      void belowPrefix(webDir, prefix, reply).then(
        (html) => reply.send(html),
        (error: unknown) => reply.send(error),
      );
    return true;
  };

/** The two paths at which the files themselves would answer with the page as it was built. */
const registerPageBelow = (app: FastifyInstance, webDir: string, prefix: string): void => {
  app.addHook('onRequest', async (request, reply) => {
    const target = missingSlash(request.originalUrl, prefix);
    if (target !== null) return reply.redirect(target, 308);
  });
  for (const path of ['/', '/index.html'])
    app.get(path, { schema: { hide: true } }, (_request, reply) => belowPrefix(webDir, prefix, reply));
};

/** Serves the built page from a directory: `.br` and `.gz` siblings where the build left them and the browser takes them. */
export const registerStatic = async (app: FastifyInstance, webDir: string, prefix = ''): Promise<void> => {
  if (prefix !== '') registerPageBelow(app, webDir, prefix);
  await app.register(fastifyStatic, {
    root: resolve(webDir),
    preCompressed: true,
    dotfiles: 'ignore',
    cacheControl: false,
    setHeaders: (reply, path) => void reply.header('cache-control', cacheControlFor(path)),
  });
};
