import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { databaseAddress } from './address.ts';

const NONE = { databaseCaFile: undefined, databaseCertFile: undefined, databaseKeyFile: undefined };

test('without files the address is what was given', () => {
  for (const databaseUrl of ['postgres://u:p@h/d?sslmode=require', 'sqlite:.data/a'])
    expect(databaseAddress({ databaseUrl, ...NONE })).toBe(databaseUrl);
  expect(databaseAddress({ databaseUrl: 'sqlite:a', ...NONE, databaseCaFile: { path: '/ca' } })).toBe('sqlite:a');
});

test('the driver finds authority, certificate and key, and proves the host unless the address says how', () => {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-database-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = (name: string) => {
    writeFileSync(join(folder, name), `the ${name}`);
    return { path: join(folder, name) };
  };
  const files = { databaseCaFile: file('ca+1.crt'), databaseCertFile: file('tls.crt'), databaseKeyFile: file('tls.key') };
  const sslOf = (databaseUrl: string): Record<string, unknown> => {
    const client = new pg.Client({ connectionString: databaseAddress({ databaseUrl, ...files }) });
    return (client as unknown as { connectionParameters: { ssl: Record<string, unknown> } }).connectionParameters.ssl;
  };
  const { ca, cert, key } = sslOf('postgres://u:p%40@h:5432/d');
  expect([ca, cert, key]).toEqual(['the ca+1.crt', 'the tls.crt', 'the tls.key']);
  expect(sslOf('postgres://u@h/d?application_name=x')['ca']).toBe('the ca+1.crt');
  expect(databaseAddress({ databaseUrl: 'postgres://u@h/d?sslmode=no-verify', ...files })).not.toContain('verify-full');
});
