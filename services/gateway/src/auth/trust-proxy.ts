import { isIP } from 'node:net';

/** Whom the gateway believes in `X-Forwarded-For`: nobody, so many proxies counted from the gateway outwards, or those of some networks. */
export type TrustProxy = false | number | string[];

const WORDS: Readonly<Record<string, TrustProxy>> = { true: 1, yes: 1, on: 1, false: false, no: false, off: false, 0: false };

const isNetwork = (text: string): boolean => {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
};

/** `true` is one proxy, as it was meant before hops were counted. */
export const parseTrustProxy = (raw: string): TrustProxy => {
  const text = raw.trim().toLowerCase();
  const word = WORDS[text];
  if (word !== undefined) return word;
  if (/^\d{1,2}$/.test(text)) return Number(text);
  const networks = text.split(',').map((one) => one.trim());
  if (networks.every(isNetwork)) return networks;
  throw new Error('must be true, false, a number of proxies, or networks such as 10.0.0.0/8');
};

/**
 * As Fastify takes it. The header is read from its right end, where our own proxies write: what a client put at the left is never
 * reached, however much it is. Fastify trusts nobody for a number, for it cannot check who the nearest is; here only proxies reach us.
 */
export const trustOf = (trust: TrustProxy): false | string[] | ((address: string, hop: number) => boolean) =>
  typeof trust === 'number' ? (_address, hop) => hop < trust : trust;

/** For the configuration, which keeps the text as it was given. */
export const checkTrustProxy = (raw: string): string => {
  parseTrustProxy(raw);
  return raw;
};
