/**
 * The address of a path of the server, such as `/api/me`, below the path that the server itself has. Pure.
 *
 * @param server `https://example.org`, or with the path prefix of a proxy: `https://example.org/tools/chat`
 */
export const addressOf = (server: string, path: string): URL => {
  const url = new URL(server);
  url.pathname = url.pathname.replace(/\/+$/, '') + path;
  url.search = '';
  url.hash = '';
  return url;
};
