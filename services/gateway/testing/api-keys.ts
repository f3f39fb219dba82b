import type { ApiKeyMade, NewApiKey } from '@runnel/protocol/http';

export const bearer = (key: string): { authorization: string } => ({ authorization: `Bearer ${key}` });

/** A call as a program makes it. */
export const call = (url: string, method: string, path: string, { headers = {}, body }: { headers?: object; body?: object } = {}) =>
  fetch(`${url}${path}`, {
    method,
    headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
    redirect: 'manual',
  });

/** A key of a person, made in dev mode, or with what proves who they are. */
export const makeKey = async (
  url: string,
  { scopes = ['chat'], name = 'a program', expiresAt }: Partial<NewApiKey> = {},
  { path = '/api/keys?user_id=ann', headers = {} }: { path?: string; headers?: object } = {},
): Promise<ApiKeyMade> => {
  const body = { name, scopes, ...(expiresAt !== undefined && { expiresAt }) };
  const response = await call(url, 'POST', path, { headers, body });
  if (response.status !== 201) throw Object.assign(new Error(`POST /api/keys: ${response.status}`), { body: await response.json() });
  return (await response.json()) as ApiKeyMade;
};
