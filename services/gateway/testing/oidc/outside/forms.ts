import type { Browser } from '../browser.ts';

const TEXT: Record<string, string> = { '&amp;': '&', '&#x3D;': '=', '&#43;': '+', '&quot;': '"' };
/** An attribute as it is meant. */
export const plain = (html: string): string => html.replaceAll(/&(?:amp|#x3D|#43|quot);/g, (word) => TEXT[word]!);

/** The first form of a page: where it goes, and what is in it already. */
const formIn = (html: string, at: string): { action: string; fields: Record<string, string> } => {
  const [form, tag] = /<form([^>]*)>[^]*?<\/form>/i.exec(html) ?? [];
  if (form === undefined) throw new Error(`no form at ${at}: ${html.slice(0, 500)}`);
  const action = new URL(plain(/action="([^"]*)"/i.exec(tag!)?.[1] ?? at), at).href;
  const fields: Record<string, string> = {};
  for (const [input] of form.matchAll(/<input[^>]*>/gi)) {
    const name = /name="([^"]*)"/i.exec(input)?.[1];
    if (name !== undefined) fields[name] = plain(/value="([^"]*)"/i.exec(input)?.[1] ?? '');
  }
  return { action, fields };
};

/** Opens a page, follows where it leads, fills its form and sends it; then follows again until `stop` likes the next address. */
export const fillForm = async (
  browser: Browser,
  url: string,
  values: Record<string, string>,
  stop: (next: string) => boolean,
): Promise<{ next: string | null; html: string }> => {
  const { response, next, url: at } = await browser.go(url, stop);
  if (next !== null) return { next, html: '' };
  const { action, fields } = formIn(await response.text(), at);
  const sent = await browser.ask(action, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ ...fields, ...values }).toString(),
  });
  const location = sent.headers.get('location');
  if (location === null) return { next: null, html: await sent.text() };
  const target = new URL(location, action).href;
  if (stop(target)) return { next: target, html: '' };
  const end = await browser.go(target, stop);
  return { next: end.next, html: end.next === null ? await end.response.text() : '' };
};
