import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '@runnel/kit';
import { CLOSE } from '@runnel/protocol';
import { Browser } from '../../testing/oidc/browser.ts';
import { fillForm } from '../../testing/oidc/outside/forms.ts';
import { startKeycloak, type Keycloak } from '../../testing/oidc/outside/keycloak.ts';
import { lacking } from '../../testing/oidc/outside/program.ts';
import { freePort } from '@runnel/kit/testing';
import { meOf, oidcEnv } from '../../testing/oidc/signed-in.ts';
import { startGateway, type TestGateway } from '../../testing/test-gateway.ts';

// Keycloak as it is distributed, with the realm that docs/operations.md describes. Nothing of it is ours.

const ENDED_MS = 1_000;
const why = await lacking(['java', '-version'], ['mvn', '-version'], ['tar', '--version']);

describe.skipIf(why !== undefined)(`Keycloak${why === undefined ? '' : ` (not run: ${why})`}`, () => {
  let keycloak: Keycloak;
  let gateway: TestGateway;
  let publicUrl: string;
  beforeAll(async () => {
    keycloak = await startKeycloak();
    const port = await freePort();
    publicUrl = `http://127.0.0.1:${port}`;
    await keycloak.realm(
      publicUrl,
      [
        { username: 'ann', password: 'of-ann', roles: ['runnel-admin'], groups: ['research'] },
        { username: 'âu', password: 'of-âu', roles: ['runnel-auditor'] },
        { username: 'eve', password: 'of-eve' },
      ],
      // The shortest that it takes: the tokens end while the test looks on.
      { accessTokenLifespan: 2 },
    );
    const roles = { ROLES_CLAIM: 'realm_access.roles', ADMIN_ROLES: 'runnel-admin', AUDITOR_ROLES: 'runnel-auditor' };
    const env = oidcEnv(keycloak.issuer, publicUrl, { ...roles, SESSION_CHECK_SECONDS: '1' });
    gateway = await startGateway({ port, env });
  });
  afterAll(async () => {
    await gateway?.close();
    await keycloak?.close();
  });

  const isOurs = (next: string): boolean => next.startsWith(publicUrl) && !next.includes('/api/sign-in/');
  const enter = async (browser: Browser, username: string, password = `of-${username}`, returnTo = '/c/1?x=1'): Promise<string | null> => {
    const start = `${publicUrl}/api/sign-in/start?return=${encodeURIComponent(returnTo)}`;
    return (await fillForm(browser, start, { username, password }, isOurs)).next;
  };
  const socketOf = (browser: Browser) => gateway.connect({ query: {}, headers: { cookie: browser.cookiesFor(publicUrl) } });
  /** Until it is refused here, ms; the socket is closed by then. */
  const untilOut = async (browser: Browser, socket: Awaited<ReturnType<typeof socketOf>>): Promise<number> => {
    const from = performance.now();
    expect(await socket.closedWith).toBe(CLOSE.auth);
    expect(await meOf(browser, publicUrl)).toMatchObject({ status: 401 });
    return performance.now() - from;
  };

  test('A-10 one signs in with a password and comes back to where one was; the role comes from the realm', async () => {
    const ann = new Browser();
    expect(await enter(ann, 'ann', 'wrong')).toBe(null);
    // The first of its answers may take longer than a gateway waits; it then says so, and one tries again.
    await waitFor(async () => (await enter(ann, 'ann')) === `${publicUrl}/c/1?x=1`, { deadlineMs: 60_000, everyMs: 500 });
    const me = await meOf(ann, publicUrl);
    expect(me).toMatchObject({ status: 200, role: 'admin', userId: await keycloak.idOf('ann') });
    const eve = new Browser();
    await enter(eve, 'eve');
    expect(await meOf(eve, publicUrl)).toMatchObject({ status: 200, role: 'user' });
    const au = new Browser();
    await enter(au, 'âu');
    expect(await meOf(au, publicUrl)).toMatchObject({ status: 200, role: 'auditor' });
  });

  test('A-18 tokens that end are renewed in silence; keys that change in the middle disturb nobody; a role that is taken is gone', async () => {
    const [ann, later] = [new Browser(), new Browser()];
    await enter(ann, 'ann');
    const socket = await socketOf(ann);
    const renewed = (): Promise<number> => gateway.metric('runnel_gateway_session_renewals_total', { outcome: 'renewed' });
    const atFirst = await renewed();
    await waitFor(async () => (await renewed()) > atFirst, { deadlineMs: 20_000 });
    await keycloak.rotateKeys();
    const before = await renewed();
    await waitFor(async () => (await renewed()) > before + 1, { deadlineMs: 20_000 });
    expect(socket.socket.readyState).toBe(1);
    await waitFor(async () => (await enter(later, 'ann')) === `${publicUrl}/c/1?x=1`, { deadlineMs: 20_000, everyMs: 500 });
    expect(await meOf(ann, publicUrl)).toMatchObject({ status: 200, role: 'admin' });

    const id = await keycloak.idOf('ann');
    const role = await keycloak.admin('GET', '/roles/runnel-admin');
    await keycloak.admin('DELETE', `/users/${id}/role-mappings/realm`, [role as object]);
    await waitFor(async () => (await meOf(ann, publicUrl)).role === 'user', { deadlineMs: 20_000, everyMs: 200 });
    expect(socket.socket.readyState).toBe(1);
    await keycloak.admin('POST', `/users/${id}/role-mappings/realm`, [role as object]);
  });

  test('A-15 its administrator ends a session: what lives of it closes within a second, by the back-channel', async () => {
    const [eve, ann] = [new Browser(), new Browser()];
    await enter(eve, 'eve');
    await enter(ann, 'ann');
    const [socket, bystander] = [await socketOf(eve), await socketOf(ann)];
    await keycloak.admin('POST', `/users/${await keycloak.idOf('eve')}/logout`);
    expect(await untilOut(eve, socket)).toBeLessThan(ENDED_MS);
    expect(bystander.socket.readyState).toBe(1);
    expect(await meOf(ann, publicUrl)).toMatchObject({ status: 200 });
  });

  test('A-14 signing out here signs out there, and of the two sessions of one person the other goes on', async () => {
    const [laptop, phone] = [new Browser(), new Browser()];
    await enter(laptop, 'eve');
    await enter(phone, 'eve');
    const socket = await socketOf(phone);
    const answer = await laptop.ask(`${publicUrl}/api/sign-out`, { method: 'POST', headers: { origin: publicUrl } });
    const { url } = (await answer.json()) as { url: string };
    const { next } = await laptop.go(url, (to) => to.startsWith(publicUrl));
    expect(next).toBe(`${publicUrl}/`);
    expect(await meOf(laptop, publicUrl)).toMatchObject({ status: 401 });
    // Its own session is over as well: it asks for the password again.
    expect((await fillForm(laptop, `${publicUrl}/api/sign-in/start?return=/`, { username: 'eve', password: 'x' }, isOurs)).next).toBe(null);
    expect(socket.socket.readyState).toBe(1);
    expect(await meOf(phone, publicUrl)).toMatchObject({ status: 200 });
  });

  test('A-18 somebody who is shut out there is out here when their tokens end', async () => {
    const eve = new Browser();
    await enter(eve, 'eve');
    const socket = await socketOf(eve);
    const id = await keycloak.idOf('eve');
    await keycloak.admin('PUT', `/users/${id}`, { enabled: false });
    expect(await socket.closedWith).toBe(CLOSE.auth);
    expect(await meOf(eve, publicUrl)).toMatchObject({ status: 401 });
    expect(await enter(new Browser(), 'eve')).toBe(null);
    await keycloak.admin('PUT', `/users/${id}`, { enabled: true });
  });

  test('a Bearer token of it counts beside sessions', async () => {
    await keycloak.admin('PUT', `/clients/${await clientId()}`, { directAccessGrantsEnabled: true });
    const body = new URLSearchParams({
      ...{ client_id: 'runnel', client_secret: 'a-secret-that-the-provider-has-made', grant_type: 'password', scope: 'openid' },
      ...{ username: 'ann', password: 'of-ann' },
    });
    const answer = await fetch(`${keycloak.issuer}/protocol/openid-connect/token`, { method: 'POST', body });
    const tokens = (await answer.json()) as { access_token: string; refresh_token: string };
    const ask = async (token: string) => (await fetch(`${publicUrl}/api/me`, { headers: { authorization: `Bearer ${token}` } })).status;
    expect(await ask(tokens.access_token)).toBe(200);
    expect(await ask(tokens.refresh_token)).toBe(401);
  });
  const clientId = async (): Promise<string> => {
    const [client] = (await keycloak.admin('GET', '/clients?clientId=runnel')) as { id: string }[];
    return client!.id;
  };
});
