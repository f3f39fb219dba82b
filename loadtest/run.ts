/**
 * `npm run loadtest -- smoke [--mode round-robin|cookie] [--script stream] [--target ws://…]`
 * Without a target: Redis, 2 gateways and 2 AI pods behind a real nginx on loopback. The exit code is k6's.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { startCluster } from '@runnel/e2e';
import { goTool } from '../scripts/go-tools.mjs';
import { startNginx, type NginxMode } from './nginx.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    mode: { type: 'string', default: 'round-robin' },
    script: { type: 'string', default: 'stream' },
    target: { type: 'string' },
  },
});

const runK6 = async (url: string): Promise<number> => {
  const child = spawn(goTool('k6'), ['run', '--quiet', `${import.meta.dirname}/${values.script}.ts`], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      RUNNEL_URL: url,
      K6_PROFILE: positionals[0] ?? 'smoke',
      K6_NO_USAGE_REPORT: 'true',
      K6_AUTO_EXTENSION_RESOLUTION: 'false',
    },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
};

const runLocal = async (): Promise<number> => {
  const cluster = await startCluster({ gateways: 2, ai: 2, gatewayEnv: { TRUST_PROXY: 'true' } });
  try {
    const nginx = await startNginx(
      values.mode as NginxMode,
      cluster.gateways.map((pod) => pod.spec.port),
    );
    try {
      return await runK6(`ws://127.0.0.1:${nginx.port}`);
    } finally {
      await nginx.close();
    }
  } finally {
    await cluster.close();
    await cluster.removeLogs();
  }
};

process.exitCode = await (values.target === undefined ? runLocal() : runK6(values.target));
