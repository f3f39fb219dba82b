import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const OPENSSL_MS = 20_000;
const openssl = (...args: string[]): Promise<unknown> => promisify(execFile)('openssl', args, { timeout: OPENSSL_MS });
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];

export interface TestCertificates {
  /** PEM of the authority, for those who connect. */
  ca: string;
  /** Path of a PEM key store, as Kafka reads it: the key, then the broker's certificate. */
  keyStore: string;
}

/** An authority of our own, and a certificate it gives a broker on this machine. */
export const makeCertificates = async (folder: string): Promise<TestCertificates> => {
  const at = (name: string): string => join(folder, name);
  await openssl('req', '-x509', ...EC, '-subj', '/CN=Runnel test authority', '-keyout', at('ca.key'), '-out', at('ca.pem'));
  const signed = [
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-addext',
    'subjectAltName=IP:127.0.0.1,DNS:localhost',
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  ];
  await openssl('req', '-x509', ...EC, '-subj', '/CN=broker', ...signed, '-keyout', at('broker.key'), '-out', at('broker.pem'));
  await writeFile(at('broker.store'), `${await readFile(at('broker.key'), 'utf8')}${await readFile(at('broker.pem'), 'utf8')}`);
  return { ca: await readFile(at('ca.pem'), 'utf8'), keyStore: at('broker.store') };
};
