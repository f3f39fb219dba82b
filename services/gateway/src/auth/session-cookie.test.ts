import type { FastifyRequest } from 'fastify';
import fc from 'fast-check';
import { newId } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { createAuth } from './auth.ts';
import { begunSignIns, createGuests, signInCookie } from './session-cookie.ts';

const SECRET = 'a secret of more than thirty-two characters';
const base = {
  jwtSecret: SECRET,
  jwksUrl: undefined,
  jwtIssuer: undefined,
  jwtAudience: undefined,
  jwtMaxAgeMs: 86_400_000,
  adminScope: 'admin',
  rolesClaim: 'roles',
  groupsClaim: 'groups',
  adminRoles: [],
  auditorRoles: [],
  userRoles: [],
};
const request = (cookie: string, protocol = 'http') => ({ query: {}, protocol, headers: { cookie } }) as unknown as FastifyRequest;

const NAME = '__Host-runnel_session';
const dev = createAuth({ ...base, authMode: 'dev', sessionCookie: NAME });
const jwt = createAuth({ ...base, authMode: 'jwt', sessionCookie: NAME });
const whoIs = async (cookie: string, protocol?: string) => (await dev.identify(request(cookie, protocol))).identity!.userId;
const given = async (protocol?: string): Promise<string> => (await dev.identify(request('', protocol))).setCookie!;

test('S-14 writing a name into the guest cookie makes nobody that person', async () => {
  await fc.assert(
    fc.asyncProperty(fc.stringMatching(/^[A-Za-z0-9._@-]{1,60}$/), async (name) => {
      expect(await whoIs(`runnel_session=${name}`)).not.toBe(name);
    }),
  );
  const [pair] = (await given()).split(';');
  const [guest, signature] = pair!.split('=')[1]!.split('.');
  expect(await whoIs(pair!)).toBe(guest);
  const other = `guest-${newId()}`;
  expect(await whoIs(`runnel_session=${other}.${signature}`)).not.toBe(other);
  expect(createGuests(() => 'another key').read(`${guest}.${signature}`)).toBeNull();
});

test('S-14 a guest of 0.1.0 stays the same person, and is signed from then on', async () => {
  const guest = `guest-${newId()}`;
  const { identity, setCookie } = await dev.identify(request(`runnel_session=${guest}`));
  expect(identity!.userId).toBe(guest);
  expect(await whoIs(setCookie!.split(';')[0]!)).toBe(guest);
});

test('S-13 over TLS only the cookie that no sister domain can plant is believed; without TLS the plain one', async () => {
  expect(await given('https')).toMatch(/^__Host-runnel_session=.*; Path=\/;.*; Secure$/);
  const [plain] = (await given()).split(';');
  expect(plain).toMatch(/^runnel_session=/);
  const guest = await whoIs(plain!);
  expect(await whoIs(`__Host-${plain!}`, 'https')).toBe(guest);
  expect(await whoIs(plain!, 'https')).not.toBe(guest);
  expect(await whoIs(`runnel_session=x; __Host-${plain!}`)).toBe(guest);
});

test('S-13 two cookies of the name are refused, whichever comes first', async () => {
  for (const name of ['runnel_session', NAME]) {
    for (const values of [
      ['a', 'b'],
      ['b', 'a'],
      ['', 'a'],
      ['a', 'a'],
    ]) {
      const cookie = values.map((value) => `${name}=${value}`).join('; ');
      for (const auth of [dev, jwt]) await expect(auth.identify(request(cookie))).rejects.toMatchObject({ code: 'unauthorized' });
    }
  }
});

test('S-13 a name that an operator chose is read as it is', async () => {
  const auth = createAuth({ ...base, authMode: 'dev', sessionCookie: 'sid' });
  const { setCookie, identity } = await auth.identify(request('', 'https'));
  expect(setCookie).toMatch(/^sid=/);
  expect((await auth.identify(request(setCookie!.split(';')[0]!, 'https'))).identity).toEqual(identity);
});

test.each([
  ['__Host-runnel_session', '__Host-runnel_sign_in.abcdefgh'],
  ['runnel_session', '__Host-runnel_sign_in.abcdefgh'],
  ['__Host-other', '__Host-other.sign_in.abcdefgh'],
  ['sid', '__Host-sid.sign_in.abcdefgh'],
])('A-13 a sign-in that has begun is known by a cookie of its own beside %s', (session, flow) => {
  expect(signInCookie(session, 'abcdefghijk')).toBe(flow);
  for (const protocol of ['https', 'http']) {
    const sent = protocol === 'https' ? flow : flow.slice('__Host-'.length);
    const others = '__Host-another.sign_in.abcdefgh=1; runnel_session=2; __Host-runnel_session=3';
    const header = `a=b; ${sent}=x; ${others}; ${sent}=y;;  ${sent}z=w`;
    expect(begunSignIns(request(header, protocol), session)).toEqual([flow, `${flow}z`]);
  }
  expect(begunSignIns({ headers: {}, protocol: 'https' }, session)).toEqual([]);
});
