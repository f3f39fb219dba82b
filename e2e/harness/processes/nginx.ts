import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@runnel/kit/testing';
import { waitFor } from '../wait.ts';

export type NginxMode = 'round-robin' | 'cookie';

const CONFIGURATIONS = join(import.meta.dirname, '../../../nginx-ingress');

/** The project's own configuration with this machine's ports: servers and port are the only lines that differ. */
const localConfiguration = (configuration: string, listen: number, gateways: readonly number[], folder: string): string => {
  const servers = gateways.map((port) => `    server 127.0.0.1:${port} max_fails=2 fail_timeout=2s;`).join('\n');
  return configuration
    .replace(/( *server gateway-\d+:8080 .*\n)+/, `${servers}\n`)
    .replace('listen 8000;', `listen 127.0.0.1:${listen};`)
    .replace('error_log stderr warn;', `error_log ${folder}/error.log warn;`)
    .replace('/tmp/runnel-nginx.pid', join(folder, 'nginx.pid'))
    .replace('http {', `http {\n  client_body_temp_path ${folder}/body;\n  proxy_temp_path ${folder}/proxy;`);
};

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
      .once('connect', () => resolve(true))
      .once('error', () => resolve(false))
      .once('close', () => socket.destroy());
    socket.once('connect', () => socket.end());
  });

/** A real nginx with the configuration of `nginx-ingress/`, in front of gateways on loopback. */
export const startNginx = async (mode: NginxMode, gateways: readonly number[]): Promise<{ port: number; close(): Promise<void> }> => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-nginx-'));
  const port = await freePort();
  for (const file of ['common.conf', 'locations.conf']) await writeFile(join(folder, file), await readFile(join(CONFIGURATIONS, file)));
  const configuration = await readFile(join(CONFIGURATIONS, `${mode}.conf`), 'utf8');
  await writeFile(join(folder, 'nginx.conf'), localConfiguration(configuration, port, gateways, folder));
  const child = spawn('/usr/sbin/nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-g', 'daemon off;'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = once(child, 'exit');
  await waitFor(async () => child.exitCode !== null || (await answers(port)), { deadlineMs: 10_000, what: 'nginx to listen' });
  if (child.exitCode !== null) throw new Error(`nginx ended with code ${child.exitCode}`);
  return {
    port,
    async close() {
      // Not SIGQUIT: that waits for the sockets.
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 3_000);
      await exited;
      clearTimeout(late);
      await rm(folder, { recursive: true, force: true });
    },
  };
};
