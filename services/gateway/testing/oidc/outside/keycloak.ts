import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@runnel/kit/testing';
import { cached, call, startProgram } from './program.ts';

const VERSION = '26.7.3';
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy';
const ADMIN = 'of-the-tests';
const REALM = 'acme';

/** Keycloak's own distribution, from Maven Central. */
const keycloakHome = async (): Promise<string> => {
  const folder = await cached(`keycloak/${VERSION}`, async (own) => {
    const artifact = `-Dartifact=org.keycloak:keycloak-quarkus-dist:${VERSION}:tar.gz`;
    await call('mvn', ['-B', '-ntp', '-q', COPY, artifact, `-DoutputDirectory=${own}`]);
    const [archive] = await readdir(own);
    await call('tar', ['-xzf', join(own, archive!), '-C', own, '--strip-components=1']);
    await rm(join(own, archive!));
    // What each start would do anew otherwise, for a minute.
    await call(join(own, 'bin/kc.sh'), ['build', '--db=dev-mem']);
  });
  return folder;
};

export interface Person {
  username: string;
  password: string;
  roles?: string[];
  groups?: string[];
}

export interface Keycloak {
  issuer: string;
  /** A realm as the recipe of docs/operations.md says, with these people, for a client at this address. */
  realm(publicUrl: string, people: Person[], settings?: Record<string, unknown>): Promise<void>;
  /** As an administrator: a path below the realm. */
  admin(method: string, path: string, body?: object): Promise<unknown>;
  /** The id of somebody, which is their `sub`. */
  idOf(username: string): Promise<string>;
  /** Other keys from now on; the ones before still verify. */
  rotateKeys(): Promise<void>;
  close(): Promise<void>;
}

/** A mapper of the client: what its ID tokens say besides. */
const mapper = (name: string, protocolMapper: string, config: Record<string, string>) => ({
  ...{ name, protocolMapper, protocol: 'openid-connect' },
  config: { 'id.token.claim': 'true', 'access.token.claim': 'true', 'userinfo.token.claim': 'false', ...config },
});
const MAPPERS = [
  mapper('roles', 'oidc-usermodel-realm-role-mapper', {
    'claim.name': 'realm_access.roles',
    multivalued: 'true',
    'jsonType.label': 'String',
  }),
  mapper('groups', 'oidc-group-membership-mapper', { 'claim.name': 'groups', 'full.path': 'false' }),
  mapper('audience', 'oidc-audience-mapper', { 'included.client.audience': 'runnel' }),
];

/** Keycloak as it is distributed, on loopback. */
export const startKeycloak = async (): Promise<Keycloak> => {
  const home = await keycloakHome();
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const program = await startProgram(
    async () => ({
      file: join(home, 'bin/kc.sh'),
      args: [
        'start',
        '--optimized',
        '--cache=local',
        '--http-enabled=true',
        '--hostname-strict=false',
        '--http-host=127.0.0.1',
        `--http-port=${port}`,
      ],
      env: { KC_BOOTSTRAP_ADMIN_USERNAME: ADMIN, KC_BOOTSTRAP_ADMIN_PASSWORD: ADMIN, JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx512m' },
    }),
    async () => (await fetch(`${base}/realms/master/.well-known/openid-configuration`)).ok,
  );

  const token = async (): Promise<string> => {
    const body = new URLSearchParams({ client_id: 'admin-cli', grant_type: 'password', username: ADMIN, password: ADMIN });
    const answer = await fetch(`${base}/realms/master/protocol/openid-connect/token`, { method: 'POST', body });
    return ((await answer.json()) as { access_token: string }).access_token;
  };
  const ask = async (method: string, path: string, body?: object): Promise<unknown> => {
    const headers = { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' };
    const answer = await fetch(`${base}/admin/realms${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  const keycloak: Keycloak = {
    issuer: `${base}/realms/${REALM}`,
    async realm(publicUrl, people, settings = {}) {
      const all = people.flatMap(({ roles = [] }) => roles);
      const groups = people.flatMap(({ groups: own = [] }) => own);
      await ask('POST', '', {
        ...{ realm: REALM, enabled: true, sslRequired: 'none' },
        roles: { realm: [...new Set(all)].map((name) => ({ name })) },
        groups: [...new Set(groups)].map((name) => ({ name })),
        users: people.map(({ username, password, roles = [], groups: own = [] }) => ({
          ...{ username, enabled: true, email: `${username}@example.org`, emailVerified: true, firstName: 'Ân', lastName: 'Nguyễn' },
          credentials: [{ type: 'password', value: password, temporary: false }],
          realmRoles: roles,
          groups: own.map((name) => `/${name}`),
        })),
        clients: [
          {
            ...{ clientId: 'runnel', secret: 'a-secret-that-the-provider-has-made', enabled: true, publicClient: false },
            ...{ standardFlowEnabled: true, redirectUris: [`${publicUrl}/api/sign-in/callback`], protocolMappers: MAPPERS },
            attributes: {
              'backchannel.logout.url': `${publicUrl}/api/sign-in/back-channel`,
              'backchannel.logout.session.required': 'true',
              'post.logout.redirect.uris': `${publicUrl}/`,
              'pkce.code.challenge.method': 'S256',
            },
          },
        ],
        ...settings,
      });
    },
    admin: (method, path, body) => ask(method, `/${REALM}${path}`, body),
    async idOf(username) {
      const [found] = (await ask('GET', `/${REALM}/users?exact=true&username=${username}`)) as { id: string }[];
      return found!.id;
    },
    async rotateKeys() {
      const { id } = (await ask('GET', `/${REALM}`)) as { id: string };
      await ask('POST', `/${REALM}/components`, {
        ...{ name: 'next', providerId: 'rsa-generated', providerType: 'org.keycloak.keys.KeyProvider', parentId: id },
        config: { priority: ['1000'], enabled: ['true'], active: ['true'], algorithm: ['RS256'], keySize: ['2048'] },
      });
    },
    close: () => program.close(),
  };
  return keycloak;
};
