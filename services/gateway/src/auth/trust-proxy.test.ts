import { expect, test } from 'vitest';
import { startGateway } from '../../testing/test-gateway.ts';
import { parseTrustProxy } from './trust-proxy.ts';

test('S-11 TRUST_PROXY is a number of proxies, or networks', () => {
  const parsed = ['true', 'FALSE', '0', '1', '2', '10.0.0.0/8, ::1'].map(parseTrustProxy);
  expect(parsed).toEqual([1, false, false, 1, 2, ['10.0.0.0/8', '::1']]);
  for (const wrong of ['maybe', '-1', '10.0.0.0/33', 'proxy.example.org', '1.5', ''])
    expect(() => parseTrustProxy(wrong)).toThrow('must be');
});

test.each([
  ['false', 'a', 2],
  // One proxy wrote the last address; what stands left of it is the client's own invention.
  ['true', 'b', 2],
  ['2', 'c', 2],
  ['127.0.0.0/8', 'd', 2],
])('S-11 with TRUST_PROXY=%s a client that invents addresses has one budget', async (trust, _name, limit) => {
  await using gateway = await startGateway({ env: { TRUST_PROXY: trust, MAX_SOCKETS_PER_IP: String(limit) } });
  const proxies = trust === '2' ? ', 203.0.113.7, 10.0.0.1' : ', 203.0.113.7';
  const outcomes = [];
  for (let n = 0; n < 6; n++) {
    const headers = { 'x-forwarded-for': `198.51.100.${n}, 192.0.2.${n}${proxies}` };
    const client = await gateway.connect({ headers, hello: false });
    client.send({ type: 'hello', protocol: 1 });
    outcomes.push(await Promise.race([client.next('welcome').then(() => 'in'), client.closedWith]));
  }
  expect(outcomes).toEqual(['in', 'in', 4003, 4003, 4003, 4003]);
});

test('S-11 behind a proxy each client has a budget of its own', async () => {
  await using gateway = await startGateway({ env: { TRUST_PROXY: '1', MAX_SOCKETS_PER_IP: '1' } });
  for (let n = 0; n < 4; n++) await gateway.connect({ headers: { 'x-forwarded-for': `203.0.113.${n}` } });
});
