import { useKeyPrefix } from '../keys.ts';
import { parseRedisUrl, redisUrlWith } from './connect.ts';

interface Named {
  path: string;
}
/** What a service's configuration says of its Redis. */
export interface StoreSettings {
  redisUrl: string;
  redisKeyPrefix: string;
  redisCaFile: Named | undefined;
  redisCertFile: Named | undefined;
  redisKeyFile: Named | undefined;
}

/**
 * The address that everything of this process connects to, and the prefix of its keys, told before anything does.
 * @throws TypeError for what cannot be together
 */
export const openStoreAddress = (settings: StoreSettings): string => {
  const { redisUrl, redisKeyPrefix, redisCaFile: ca, redisCertFile: cert, redisKeyFile: key } = settings;
  if ((cert === undefined) !== (key === undefined)) throw new TypeError('REDIS_CERT_FILE and REDIS_KEY_FILE go together');
  const url = redisUrlWith(redisUrl, { ...(ca && { ca: ca.path }), ...(cert && { cert: cert.path }), ...(key && { key: key.path }) });
  parseRedisUrl(url);
  useKeyPrefix(redisKeyPrefix);
  return url;
};
