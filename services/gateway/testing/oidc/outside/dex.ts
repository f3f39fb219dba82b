import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { goTool } from '../../../../../scripts/go-tools.mjs';
import { freePort } from '@runnel/kit/testing';
import { startProgram } from './program.ts';

/** bcrypt of `of-ann`, at the least cost that Dex takes. */
const HASH = '$2b$10$ZclOoPS2lC4H6dHFUlX5N.mVYqf7XEvqENgs5hEcZZk.sCqwtL4PW';

export interface Dex {
  issuer: string;
  close(): Promise<void>;
}

/** Dex, built from its source, on loopback: one person with a password, and the connector of its tests, who has a group. */
export const startDex = async (publicUrl: string): Promise<Dex> => {
  const binary = goTool('dex');
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}/dex`;
  const config = {
    issuer,
    storage: { type: 'memory' },
    web: { http: `127.0.0.1:${port}` },
    oauth2: { skipApprovalScreen: true },
    // Its tokens end while the test looks on.
    expiry: { idTokens: '3s' },
    staticClients: [
      { id: 'runnel', name: 'Runnel', secret: 'a-secret-that-the-provider-has-made', redirectURIs: [`${publicUrl}/api/sign-in/callback`] },
    ],
    connectors: [{ type: 'mockCallback', id: 'mock', name: 'Mock' }],
    enablePasswordDB: true,
    staticPasswords: [{ email: 'ann@example.org', hash: HASH, username: 'ann', userID: '08a8684b-db88-4b73-90a9-3cd1661f5466' }],
  };
  const program = await startProgram(
    async (folder) => {
      const file = join(folder, 'dex.yaml');
      // JSON is YAML.
      await writeFile(file, JSON.stringify(config));
      return { file: binary, args: ['serve', file] };
    },
    async () => (await fetch(`${issuer}/.well-known/openid-configuration`)).ok,
  );
  return { issuer, close: () => program.close() };
};
