import { readFile } from 'node:fs/promises';
import { RunnelError } from '@runnel/protocol';
import type { ModelEntry } from '@runnel/protocol/http';
import type { RemoteSettings } from './codec.ts';

/** Where Anthropic's own models are, for entries that name no other place. */
const ANTHROPIC = 'https://api.anthropic.com/v1';

/** How a provider over HTTP is reached and told to write, with what the environment holds for it. */
export const connectionOf = (entry: ModelEntry, env: Readonly<Record<string, string | undefined>>): RemoteSettings => {
  const { baseURL = ANTHROPIC, apiKeyEnv, apiKeyFile, headers, headersEnv = {}, headersFile, query, proxy, proxyEnv, body } = entry;
  const fromEnv = Object.fromEntries(Object.entries(headersEnv).map(([name, variable]) => [name.toLowerCase(), env[variable] ?? '']));
  const plain = Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    baseURL,
    apiKey: apiKeyFile === undefined ? apiKeyEnv && env[apiKeyEnv] : () => keyIn(apiKeyFile),
    headers: { ...plain, ...fromEnv },
    ...(headersFile && { secretHeaders: () => headersIn(headersFile) }),
    query,
    proxy: proxyEnv === undefined ? proxy : env[proxyEnv],
    body,
    canContinue: entry.canContinue ?? false,
    sampling: entry,
  };
};

const headersIn = async (files: Readonly<Record<string, string>>): Promise<Record<string, string>> =>
  Object.fromEntries(
    await Promise.all(Object.entries(files).map(async ([name, path]) => [name.toLowerCase(), await keyIn(path)] as const)),
  );

/** Asked again it may be there: a Secret that is mounted anew is away for a moment. */
const keyIn = async (path: string): Promise<string> => {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    throw new RunnelError('unavailable', 'The key of this model cannot be read.', { cause });
  }
};
