/** The parts of a `discovery.k8s.io/v1` EndpointSlice that say where work can go. */
export interface EndpointSlice {
  metadata?: { name?: string; resourceVersion?: string };
  addressType?: string;
  ports?: { name?: string; port?: number }[] | null;
  endpoints?: { addresses?: string[]; conditions?: { ready?: boolean; terminating?: boolean } }[] | null;
}

const PORT_NAME = 'http';

/** `http://host:port`, with the brackets an IPv6 address needs. */
export const podUrl = (address: string, port: number): string => `http://${address.includes(':') ? `[${address}]` : address}:${port}`;

/**
 * Base URLs of the pods that take new work. `ready` absent means ready, as the API says; one that terminates keeps the runs it
 * has and gets no new ones. Pure.
 */
export const readyUrls = (slices: Iterable<EndpointSlice>): string[] => {
  const urls = [...slices].flatMap(({ addressType, ports, endpoints }) => {
    const port = (ports?.find(({ name }) => name === PORT_NAME) ?? ports?.[0])?.port;
    if (port === undefined || addressType === 'FQDN') return [];
    const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false && conditions?.terminating !== true);
    // All addresses of one endpoint are the same pod.
    return ready.flatMap(({ addresses = [] }) => addresses.slice(0, 1).map((address) => podUrl(address, port)));
  });
  // While slices are rewritten an endpoint may stand in two.
  return [...new Set(urls)].toSorted();
};
