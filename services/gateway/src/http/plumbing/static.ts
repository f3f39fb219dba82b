import { resolve } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

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

/** `index.html` for every page of the single-page app; the server's last word before "not found". Needs `registerStatic`. */
export const sendPage = (request: FastifyRequest, reply: FastifyReply): boolean => {
  if (!wantsPage(request)) return false;
  void reply.sendFile('index.html');
  return true;
};

/** Serves the built page from a directory: `.br` and `.gz` siblings where the build left them and the browser takes them. */
export const registerStatic = async (app: FastifyInstance, webDir: string): Promise<void> => {
  await app.register(fastifyStatic, {
    root: resolve(webDir),
    preCompressed: true,
    dotfiles: 'ignore',
    cacheControl: false,
    setHeaders: (reply, path) => void reply.header('cache-control', cacheControlFor(path)),
  });
};
