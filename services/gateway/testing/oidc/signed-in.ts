import { createMemoryRunLog, type RunLog } from '@runnel/coordination';
import { freePort } from '@runnel/kit/testing';
import { startGateway, type TestGateway } from '../test-gateway.ts';
import { type Browser } from './browser.ts';
import type { GatewayDeps } from '../../src/app.ts';

export const oidcEnv = (issuer: string, publicUrl: string, env: Record<string, string> = {}): Record<string, string> => ({
  ...{ AUTH_MODE: 'oidc', OIDC_ISSUER: issuer, OIDC_CLIENT_ID: 'runnel', OIDC_CLIENT_SECRET: 'a-secret-that-the-provider-has-made' },
  PUBLIC_URL: publicUrl,
  ...env,
});

export interface OidcGateway {
  gateway: TestGateway & AsyncDisposable;
  publicUrl: string;
}

/** A gateway that signs people in with a provider. `at`: beside another one, under the same address. */
export const startOidcGateway = async (
  provider: { issuer: string; allow?(publicUrl: string): void },
  { env = {}, runLog = createMemoryRunLog(), ...deps }: { env?: Record<string, string>; runLog?: RunLog } & Partial<GatewayDeps> = {},
): Promise<OidcGateway> => {
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  provider.allow?.(publicUrl);
  const gateway = await startGateway({ ...deps, runLog, port, env: oidcEnv(provider.issuer, publicUrl, env) });
  return { gateway, publicUrl };
};

/** Signs in as whoever the provider takes one for; the browser ends where the gateway sent it. */
export const signIn = async (browser: Browser, publicUrl: string, returnTo = '/c/1'): Promise<string> => {
  const start = `${publicUrl}/api/sign-in/start?return=${encodeURIComponent(returnTo)}`;
  const isBack = (next: string): boolean => next.startsWith(publicUrl) && !next.includes('/api/sign-in/');
  const { next } = await browser.go(start, isBack);
  return next!;
};

export const meOf = async (browser: Browser, url: string): Promise<{ status: number; userId?: string; role?: string }> => {
  const response = await browser.ask(`${url}/api/me`);
  return { status: response.status, ...((await response.json()) as object) };
};
