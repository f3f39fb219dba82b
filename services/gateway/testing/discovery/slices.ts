import type { EndpointSlice } from '../../src/dispatch/discovery/endpoint-slices.ts';

export const endpoint = (address: string, conditions: { ready?: boolean; terminating?: boolean } = {}) => ({
  addresses: [address],
  conditions,
});

export const slice = (
  name: string,
  endpoints: EndpointSlice['endpoints'] & object,
  extra: Partial<EndpointSlice> & { version?: string } = {},
): EndpointSlice => ({
  metadata: { name, resourceVersion: extra.version ?? '1' },
  addressType: extra.addressType ?? 'IPv4',
  ports: extra.ports ?? [
    { name: 'internal', port: 9081 },
    { name: 'http', port: 8081 },
  ],
  endpoints,
});
