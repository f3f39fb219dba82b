import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { outsideClients } from '../testing/outside-clients.ts';
import { newFolder, startAll } from '../testing/start-all.ts';

const root = join(import.meta.dirname, '../../..');
const run = (script: string, ...args: string[]): Promise<{ stdout: string }> =>
  promisify(execFile)(process.execPath, [join(outsideClients ?? '', 'node_modules', script), ...args], {
    // It would tell its maker, and ask for a newer one.
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
    timeout: 170_000,
  });

test.skipIf(outsideClients === undefined)(
  'Redocly and Spectral find nothing to say of the documents of HTTP, WebSocket and audit events (skipped without npm run clients)',
  async () => {
    const folder = await newFolder();
    const openApi = join(folder, 'openapi.json');
    await writeFile(openApi, (await (await startAll(folder)).inject('GET', '/api/docs/json')).body);
    // Each ends with its report and another code for an error, Spectral for a warning too.
    await run('@redocly/cli/bin/cli.js', 'lint', '--max-problems=20', openApi);
    const documents = [openApi, ...['asyncapi.json', 'websocket.asyncapi.json'].map((name) => join(root, 'docs', name))];
    const rules = ['--ruleset', join(root, 'clients/outside/spectral.yaml'), '--fail-severity', 'warn'];
    const { stdout } = await run('@stoplight/spectral-cli/dist/index.js', 'lint', ...rules, '--display-only-failures', ...documents);
    expect(stdout).toMatch(/No results/);
  },
  400_000,
);
