import type { Plugin } from 'vite';

/**
 * The page's own addresses, from the root: it is the answer for `/c/<id>` too, where a relative one would mean another file. A server that has it
 * below a path prefix puts that in front of each (`pageBelow` of the gateway).
 */
export const absolute = (): Plugin => ({
  name: 'runnel:absolute',
  apply: 'build',
  transformIndexHtml: { order: 'post', handler: (html) => html.replaceAll('="./', '="/') },
});
