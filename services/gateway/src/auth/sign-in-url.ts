const SCHEMES = ['http:', 'https:'];
/** A path of this host; `//` and `/\` would be another host. */
const PATH = /^\/(?![/\\])/;
/** Browsers drop these inside a URL, which would let `/\t/` be another host. */
const CONTROL = /[\0-\x20\x7f]/;

/**
 * `SIGN_IN_URL` as the operator wrote it, checked: the page makes a link of it, so no `javascript:` and no host by accident.
 * @throws Error whose message reads after the variable's name
 */
export const parseSignInUrl = (raw: string): string => {
  const isPath = PATH.test(raw);
  const isUrl = /^https?:\/\//i.test(raw) && URL.canParse(raw) && SCHEMES.includes(new URL(raw).protocol);
  if (CONTROL.test(raw) || !(isPath || isUrl))
    throw new Error('must be a URL that starts https:// or http://, or a path that starts with one /');
  return raw;
};
