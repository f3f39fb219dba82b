/**
 * Scheme and host of a URL: passwords, paths and queries hold secrets. An `@` after the first `/`, `?` or `#` may end a password that
 * was not encoded; then nobody can tell where the host is.
 */
export const hideInUrl = (text: string): string =>
  text.replace(/([a-z][a-z0-9+.-]*:\/\/)(.*)$/is, (_all, scheme: string, rest: string) => {
    const authority = /^[^/?#\\]*/.exec(rest)![0];
    if (rest.slice(authority.length).includes('@')) return `${scheme}***`;
    return `${scheme}${authority.slice(authority.lastIndexOf('@') + 1)}`;
  });
