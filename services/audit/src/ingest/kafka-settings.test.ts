import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { describeConfig, loadConfig } from '@runnel/kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configSpec } from '../config.ts';
import { kafkaAccess } from './kafka-settings.ts';

let folder: string;
let ca: string;
let noCa: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'runnel-kafka-settings-'));
  ca = join(folder, 'ca.pem');
  noCa = join(folder, 'none.pem');
  writeFileSync(ca, rootCertificates[0]!);
  writeFileSync(noCa, 'to be filled in');
});
afterAll(() => rmSync(folder, { recursive: true }));

const BROKERS = { KAFKA_BROKERS: 'a:9093,b:9093' };
const access = (env: Record<string, string>) => kafkaAccess(loadConfig(configSpec, { ...BROKERS, ...env }));

test('neither TLS nor a name, TLS with the authorities of Node, and all of it with an own authority', () => {
  const brokers = ['a:9093', 'b:9093'];
  const named = { KAFKA_SASL_MECHANISM: 'scram-sha-512', KAFKA_USERNAME: 'runnel', KAFKA_PASSWORD: 's3cret' };
  expect(access({})).toEqual({ brokers });
  expect(access({ KAFKA_TLS: 'true' })).toEqual({ brokers, tls: {} });
  expect(access({ KAFKA_TLS: 'true', KAFKA_CA_FILE: ca, ...named })).toEqual({
    brokers,
    tls: { ca: rootCertificates[0] },
    sasl: { mechanism: 'scram-sha-512', username: 'runnel', password: 's3cret' },
  });
});

test('the start line has neither the password nor what is in the file', () => {
  const env = { KAFKA_TLS: 'true', KAFKA_CA_FILE: ca, KAFKA_SASL_MECHANISM: 'plain', KAFKA_USERNAME: 'runnel', KAFKA_PASSWORD: 's3cret' };
  const shown = describeConfig(configSpec, loadConfig(configSpec, env));
  expect(shown).toMatchObject({ KAFKA_CA_FILE: ca, KAFKA_USERNAME: 'runnel', KAFKA_PASSWORD: '***' });
  expect(JSON.stringify(shown)).not.toMatch(/s3cret|CERTIFICATE/);
});

test.each([
  [{ KAFKA_SASL_MECHANISM: 'plain' }, ['KAFKA_SASL_MECHANISM needs KAFKA_USERNAME', 'KAFKA_SASL_MECHANISM needs KAFKA_PASSWORD']],
  [{ KAFKA_SASL_MECHANISM: 'plain', KAFKA_USERNAME: 'runnel' }, ['KAFKA_SASL_MECHANISM needs KAFKA_PASSWORD']],
  [
    { KAFKA_USERNAME: 'runnel', KAFKA_PASSWORD: 's3cret' },
    ['KAFKA_USERNAME needs KAFKA_SASL_MECHANISM', 'KAFKA_PASSWORD needs KAFKA_SASL_MECHANISM'],
  ],
  [
    { KAFKA_SASL_MECHANISM: 'gssapi', KAFKA_USERNAME: 'runnel' },
    ['KAFKA_SASL_MECHANISM must be one of plain, scram-sha-256, scram-sha-512, got "gssapi"'],
  ],
  [{ KAFKA_CA_FILE: '<ca>' }, ['KAFKA_CA_FILE needs KAFKA_TLS=true']],
  [{ KAFKA_TLS: 'true', KAFKA_CA_FILE: '<none>' }, ['KAFKA_CA_FILE holds no certificate in PEM']],
  [
    { KAFKA_TLS: 'true', KAFKA_CA_FILE: '/nowhere/ca.pem', KAFKA_USERNAME: 'runnel' },
    ['KAFKA_CA_FILE must be the path of a file that can be read, got "/nowhere/ca.pem"', 'KAFKA_USERNAME needs KAFKA_SASL_MECHANISM'],
  ],
  [
    { KAFKA_PARTITIONS: 'x', KAFKA_CA_FILE: '<none>', KAFKA_PASSWORD: 's3cret' },
    [
      'KAFKA_PARTITIONS must be a whole number, got "x"',
      'KAFKA_CA_FILE needs KAFKA_TLS=true',
      'KAFKA_CA_FILE holds no certificate in PEM',
      'KAFKA_PASSWORD needs KAFKA_SASL_MECHANISM',
    ],
  ],
])('all that is wrong at once: %o', (env: Record<string, string>, problems) => {
  const files: Record<string, string> = { '<ca>': ca, '<none>': noCa };
  const given = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, files[value] ?? value]));
  expect(() => access(given)).toThrow(expect.objectContaining({ name: 'ConfigError', problems }));
});
