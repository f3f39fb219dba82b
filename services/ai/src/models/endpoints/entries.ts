import type { ModelEndpoint, ModelEntry } from '@runnel/protocol/http';

export interface EndpointEntry {
  name: string;
  weight: number;
  /** The model as it would stand there alone. */
  entry: ModelEntry;
}

/** What people and metrics call each endpoint: its host, and what parts it from others there. Without what could be a secret. Pure. */
export const endpointNames = (endpoints: readonly Pick<ModelEndpoint, 'baseURL'>[]): string[] => {
  const urls = endpoints.map(({ baseURL }) => new URL(baseURL));
  const first = (names: readonly string[], at: number): boolean => names.indexOf(names[at]!) === at && names.lastIndexOf(names[at]!) === at;
  const hosts = urls.map(({ host }) => host);
  const paths = urls.map(({ host, pathname }) => `${host}${pathname}`);
  return hosts.map((host, at) => (first(hosts, at) ? host : first(paths, at) ? paths[at]! : `${paths[at]} (${at + 1})`));
};

/** An entry for each of its endpoints: what an endpoint says of itself counts before what the entry says. Pure. */
export const endpointEntries = ({ endpoints = [], ...shared }: ModelEntry): EndpointEntry[] => {
  const names = endpointNames(endpoints);
  return endpoints.map(({ weight = 1, ...own }, at) => {
    const { apiKeyEnv: _env, apiKeyFile: _file, ...keyless } = shared;
    const hasKey = own.apiKeyEnv !== undefined || own.apiKeyFile !== undefined;
    return { name: names[at]!, weight, entry: { ...(hasKey ? keyless : shared), ...own } };
  });
};
