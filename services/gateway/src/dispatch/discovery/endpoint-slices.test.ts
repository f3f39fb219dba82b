import { expect, test } from 'vitest';
import { podUrl, readyUrls } from './endpoint-slices.ts';
import { endpoint, slice } from '../../../testing/discovery/slices.ts';

test('ready pods are asked at their public port; those that leave are not', () => {
  const slices = [
    slice('a', [
      endpoint('10.0.0.2', { ready: true }),
      endpoint('10.0.0.1'),
      endpoint('10.0.0.3', { ready: false }),
      endpoint('10.0.0.4', { ready: true, terminating: true }),
    ]),
    slice('b', [endpoint('10.0.0.1')]),
    slice('c', [endpoint('fd00::1')], { addressType: 'IPv6', ports: [{ port: 80 }] }),
    slice('d', [endpoint('10.0.0.9')], { ports: [] }),
    slice('e', [endpoint('models.example')], { addressType: 'FQDN' }),
    { addressType: 'IPv4', ports: null, endpoints: null },
  ];
  expect(readyUrls(slices)).toEqual(['http://10.0.0.1:8081', 'http://10.0.0.2:8081', 'http://[fd00::1]:80']);
});

test('an IPv6 address stands in brackets', () => {
  expect(podUrl('10.0.0.1', 1)).toBe('http://10.0.0.1:1');
  expect(podUrl('::1', 1)).toBe('http://[::1]:1');
});
