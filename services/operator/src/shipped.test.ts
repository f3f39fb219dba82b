import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { waitFor } from '@runnel/kit';
import { SMALL, SMALL_ENV } from '../../../scripts/images/bundle.mjs';

const ROOT = join(import.meta.dirname, '../../..');
const MOST_BYTES = 100 * 1024 * 1024;

test(
  'O-3 as its image has it, one file beside no packages, it starts, tells its version and takes less than 100 MiB',
  {
    timeout: 120_000,
  },
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'runnel-shipped-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    execFileSync(process.execPath, [join(ROOT, 'scripts/images/bundle.mjs'), 'operator', dir]);
    const account = join(dir, 'account');
    mkdirSync(account);
    for (const [name, text] of Object.entries({ namespace: 'chat', token: 'a-token', 'ca.crt': '' }))
      writeFileSync(join(account, name), text);
    const child = spawn(process.execPath, [...SMALL, join(dir, 'services/operator/dist/main.mjs')], {
      cwd: dir,
      env: {
        ...{
          ...SMALL_ENV,
          NODE_ENV: 'production',
          NODE_ID: 'shipped',
          RELEASE: 'runnel',
          RELEASE_INSTANCE: 'runnel',
          SERVICE_ACCOUNT_DIR: account,
        },
        // Nobody is there: it goes on asking, as while an API server is away.
        ...{ KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT_HTTPS: '9' },
        ...{ HOST: '127.0.0.1', INTERNAL_PORT: '0', INTERNAL_TOKEN: 'inner-token-of-a-test' },
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let port: number | undefined;
    const seen = new Set<string>();
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { event, internalPort } = JSON.parse(line) as { event: string; internalPort?: number };
      seen.add(event);
      port ??= internalPort;
    });
    await waitFor(() => port !== undefined && seen.has('watch.failed'), { deadlineMs: 60_000, what: 'it to start' });
    const metrics = await fetch(`http://127.0.0.1:${port}/metrics`).then((answer) => answer.text());
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(metrics).toContain(`runnel_build_info{version="${version}"`);
    if (process.platform === 'linux') {
      const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))!;
      expect(Number(kib) * 1024).toBeLessThan(MOST_BYTES);
    }
    expect(readFileSync(join(dir, 'LICENCES.txt'), 'utf8')).toMatch(/^undici \S+ \(MIT\)$/m);
  },
);
