import type { FastifyRequest } from 'fastify';
import { requireBy, type Auth } from '../auth.ts';
import { isApiKey } from './api-key.ts';
import type { ApiKeys } from './api-keys.ts';

/** The key of a request's `Authorization`; undefined: it has none, or another kind of token. */
export const keyOf = ({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined => {
  const token = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  return token !== undefined && isApiKey(token) ? token : undefined;
};

/** API keys beside whatever else tells who somebody is: the same everywhere, in every mode. */
export const withApiKeys = (auth: Auth, keys: Pick<ApiKeys, 'identify'>): Auth => {
  const byKey = requireBy(async (request) => ({ identity: await keys.identify(keyOf(request)!) }));
  const identify: Auth['identify'] = async (request) => {
    const key = keyOf(request);
    return key === undefined ? auth.identify(request) : { identity: await keys.identify(key) };
  };
  return {
    mode: auth.mode,
    verify: (token) => (isApiKey(token) ? keys.identify(token) : auth.verify(token)),
    identify,
    require: (request, reply) => (keyOf(request) === undefined ? auth.require(request, reply) : byKey(request, reply)),
  };
};
