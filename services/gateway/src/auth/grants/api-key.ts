import { createHash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

// `rk_`, 40 random characters (238 bits), 6 of checksum: a scanner of sources knows one for certain without asking anybody, and a
// mistyped one is refused without asking the store.

const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const START = 'rk_';
const RANDOM = 40;
const CHECKSUM = 6;
const SHOWN = 6;
const WHOLE = new RegExp(`^${START}[0-9A-Za-z]{${RANDOM + CHECKSUM}}$`);
const SOMEWHERE = new RegExp(`${START}[0-9A-Za-z]{${RANDOM + CHECKSUM}}`);

/** CRC-32 of all before it, in base 62. */
const checksumOf = (text: string): string => {
  let rest = crc32(text);
  let sum = '';
  for (let i = 0; i < CHECKSUM; i++) {
    sum = LETTERS[rest % LETTERS.length]! + sum;
    rest = Math.floor(rest / LETTERS.length);
  }
  return sum;
};

export const newApiKey = (): string => {
  const random = START + Array.from({ length: RANDOM }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  return random + checksumOf(random);
};

/** Whether a token means to be a key: no other kind of token begins like one. */
export const isApiKey = (token: string): boolean => token.startsWith(START);

/** Whether it can be one of ours. */
export const isWhole = (key: string): boolean => WHOLE.test(key) && key.endsWith(checksumOf(key.slice(0, -CHECKSUM)));

/** What a list shows to recognise it by. */
export const prefixOf = (key: string): string => key.slice(0, START.length + SHOWN);

/** What is kept of a secret. It is random, so no slow hash is needed, and the digest is looked up, so no comparing tells anything. */
export const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** Whether an address has a key in it, where proxies, logs and histories would keep it. */
export const holdsKey = (url: string): boolean => {
  if (SOMEWHERE.test(url)) return true;
  if (!url.includes('%')) return false;
  return SOMEWHERE.test(url.replaceAll(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))));
};
