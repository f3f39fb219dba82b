import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** @throws Error when it is no Ed25519 key in PEM */
export const readSigningKey = (pem: string): KeyObject => {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('it is no Ed25519 key');
  return key;
};

/** A public key, or the public half of a private one. */
export const readPublicKey = (pem: string): KeyObject => createPublicKey(pem);

/** The key in this file, made on the first start. */
export const ownKey = (path: string): KeyObject => {
  if (existsSync(path)) return readSigningKey(readFileSync(path, 'utf8'));
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
  return privateKey;
};
