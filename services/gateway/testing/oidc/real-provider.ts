/// <reference path="./modules.d.ts" />
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import Provider from 'oidc-provider';

const CLIENT_ID = 'runnel';
const CLIENT_SECRET = 'a-secret-that-the-provider-has-made';

export interface RealProvider {
  issuer: string;
  /** Who signs in next, without being asked. */
  account: { sub: string; claims: Record<string, unknown> };
  /** Where the client is; told before it begins. */
  allow(publicUrl: string): void;
  /** Other keys from now on; sessions and tokens stay. */
  rotateKeys(): Promise<void>;
  /** Every request is answered 503, or what is true of its path. */
  down: boolean | ((path: string) => boolean);
  /** Paths that were asked for. */
  readonly asked: string[];
  close(): Promise<void>;
}

/** Memory that outlives an instance, so that keys can be changed under way. */
const memory = () => {
  const held = new Map<string, Record<string, unknown>>();
  return class {
    readonly #name: string;
    constructor(name: string) {
      this.#name = name;
    }
    #key(id: string): string {
      return `${this.#name}:${id}`;
    }
    async upsert(id: string, payload: Record<string, unknown>): Promise<void> {
      held.set(this.#key(id), payload);
    }
    async find(id: string): Promise<Record<string, unknown> | undefined> {
      return held.get(this.#key(id));
    }
    async findByUid(uid: string): Promise<Record<string, unknown> | undefined> {
      return [...held.entries()].find(([key, { uid: own }]) => key.startsWith(`${this.#name}:`) && own === uid)?.[1];
    }
    async findByUserCode(): Promise<undefined> {
      return undefined;
    }
    async consume(id: string): Promise<void> {
      const payload = held.get(this.#key(id));
      if (payload) payload['consumed'] = Math.floor(Date.now() / 1000);
    }
    async destroy(id: string): Promise<void> {
      held.delete(this.#key(id));
    }
    async revokeByGrantId(grantId: string): Promise<void> {
      for (const [key, payload] of held) if (payload['grantId'] === grantId) held.delete(key);
    }
  };
};

const newKey = async (): Promise<JWK> => {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: crypto.randomUUID() };
};

/** `oidc-provider` on loopback, in which whoever comes is `account` at once. */
export const startRealProvider = async ({ accessSeconds = 3600 } = {}): Promise<RealProvider> => {
  const adapter = memory();
  let handler: (...args: Parameters<ReturnType<Provider['callback']>>) => void = () => {};
  const server = createServer((request, response) => {
    const path = new URL(request.url!, 'http://x').pathname;
    real.asked.push(path);
    const isDown = typeof real.down === 'function' ? real.down(path) : real.down;
    if (isDown) return void response.writeHead(503).end('down');
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let publicUrl = '';
  let keys = [await newKey()];

  const build = (): void => {
    const provider = new Provider(issuer, {
      adapter,
      // It refuses loopback otherwise, where all of a test is.
      fetch: (url: string, { dispatcher: _, ...options }: RequestInit & { dispatcher?: unknown }) => fetch(url, options),
      jwks: { keys },
      clients: [
        {
          client_id: CLIENT_ID,
          client_secret: CLIENT_SECRET,
          redirect_uris: [`${publicUrl}/api/sign-in/callback`],
          post_logout_redirect_uris: [`${publicUrl}/`],
          backchannel_logout_uri: `${publicUrl}/api/sign-in/back-channel`,
          backchannel_logout_session_required: true,
          grant_types: ['authorization_code', 'refresh_token'],
        },
      ],
      cookies: { keys: ['of the tests alone'] },
      claims: { openid: ['sub', 'roles', 'groups'], profile: ['name'] },
      conformIdTokenClaims: false,
      pkce: { required: () => true },
      features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
      issueRefreshToken: async () => true,
      rotateRefreshToken: true,
      ttl: {
        AccessToken: accessSeconds,
        IdToken: accessSeconds,
        RefreshToken: 86_400,
        Session: 86_400,
        Grant: 86_400,
        Interaction: 600,
        AuthorizationCode: 60,
      },
      findAccount: async (_ctx: unknown, sub: string) => ({ accountId: sub, claims: async () => ({ sub, ...real.account.claims }) }),
      loadExistingGrant: async (ctx: {
        oidc: {
          provider: { Grant: new (p: object) => { addOIDCScope(s: string): void; save(): Promise<void> } };
          session: { accountId: string };
        };
      }) => {
        const grant = new ctx.oidc.provider.Grant({ clientId: CLIENT_ID, accountId: ctx.oidc.session.accountId });
        grant.addOIDCScope('openid profile offline_access');
        await grant.save();
        return grant;
      },
      interactions: { url: (_ctx: unknown, { uid }: { uid: string }) => `/be-somebody/${uid}` },
    });
    const serve = provider.callback();
    handler = (request, response) => {
      if (!request.url!.startsWith('/be-somebody/')) return serve(request, response);
      void provider.interactionFinished(request, response, { login: { accountId: real.account.sub } });
    };
  };
  const real: RealProvider = {
    issuer,
    account: { sub: 'ann', claims: {} },
    down: false,
    asked: [],
    allow(url) {
      publicUrl = url;
      build();
    },
    async rotateKeys() {
      keys = [await newKey()];
      build();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return real;
};
