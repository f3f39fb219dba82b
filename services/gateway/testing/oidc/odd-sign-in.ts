import type { Browser } from './browser.ts';
import type { OddProvider } from './odd-provider.ts';

/** The callback that an odd provider would send a browser to, after the gateway has sent it away. Null: it was not sent to the provider. */
export const oddCallback = async (
  browser: Browser,
  { provider, publicUrl, returnTo = '/c/1' }: { provider: OddProvider; publicUrl: string; returnTo?: string },
  change: Record<string, string> = {},
): Promise<{ asked: URL; callback: string | null }> => {
  const start = await browser.ask(`${publicUrl}/api/sign-in/start?return=${encodeURIComponent(returnTo)}`);
  const asked = new URL(start.headers.get('location')!);
  if (asked.origin !== provider.issuer) return { asked, callback: null };
  provider.nonce = asked.searchParams.get('nonce')!;
  const back = { code: 'c', state: asked.searchParams.get('state')!, iss: provider.issuer, ...change };
  return { asked, callback: `${publicUrl}/api/sign-in/callback?${new URLSearchParams(back)}` };
};

/** As far as an odd provider, and back with a code; where the gateway sends the browser then. */
export const oddSignIn = async (
  browser: Browser,
  where: { provider: OddProvider; publicUrl: string; returnTo?: string },
  change: Record<string, string> = {},
): Promise<URL> => {
  const { asked, callback } = await oddCallback(browser, where, change);
  return callback === null ? asked : new URL((await browser.ask(callback)).headers.get('location')!);
};

/** The word that a failed sign-in left in the address; `ok`: there is none. */
export const outcomeIn = (url: URL): string => url.searchParams.get('sign_in') ?? 'ok';
