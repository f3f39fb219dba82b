import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CONFIGURATIONS = join(import.meta.dirname, '../../nginx-ingress');
const NGINX = '/usr/sbin/nginx';
const START_MS = 20_000;

/** `leaves`: the prefix goes on to the gateway; `takes`: it does not. */
export type Way = 'leaves' | 'takes';

export interface Front extends AsyncDisposable {
  /** Targets that were asked for at this nginx, as the browser sent them. */
  asked(): Promise<string[]>;
}

/** The project's own headers, times and buffers, around one place for Runnel and another application everywhere else. */
const configuration = (shared: string, { port, gateway, prefix, way, folder }: Required<FrontOptions> & { folder: string }): string => `
worker_processes 1;
error_log ${folder}/error.log warn;
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  log_format targets '$request_uri';
  access_log ${folder}/access.log targets;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  include common.conf;
  upstream runnel_gateways { server 127.0.0.1:${gateway}; }
  server {
    listen 127.0.0.1:${port};
    ${shared}
    location ${prefix}/ { proxy_pass http://runnel_gateways${way === 'takes' ? '/' : ''}; }
    location / { return 404 "another application"; }
  }
}
`;

interface FrontOptions {
  port: number;
  gateway: number;
  /** Without a slash at its end. */
  prefix: string;
  way: Way;
}

/** A real nginx on `port` that has a gateway below a path prefix. */
export const startFront = async (options: FrontOptions): Promise<Front> => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-front-'));
  // As root, nginx works as somebody else.
  await chmod(folder, 0o755);
  await cp(join(CONFIGURATIONS, 'common.conf'), join(folder, 'common.conf'));
  const locations = await readFile(join(CONFIGURATIONS, 'locations.conf'), 'utf8');
  const shared = locations.slice(0, locations.indexOf('\nlocation '));
  await writeFile(join(folder, 'nginx.conf'), configuration(shared, { ...options, folder }));
  const child = spawn(NGINX, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-g', 'daemon off;'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = once(child, 'exit');
  const dispose = async (): Promise<void> => {
    // Not SIGQUIT, which waits for the sockets.
    if (child.exitCode === null) child.kill('SIGTERM');
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  const until = Date.now() + START_MS;
  const isUp = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${options.port}/`).then(
      () => true,
      () => false,
    );
  while (!(await isUp())) {
    if (child.exitCode !== null || Date.now() > until) {
      const log = await readFile(join(folder, 'error.log'), 'utf8').catch(() => '');
      await dispose();
      throw new Error(`nginx is not up: ${log}`);
    }
  }
  return {
    asked: async () => (await readFile(join(folder, 'access.log'), 'utf8')).split('\n').filter((line) => line !== ''),
    [Symbol.asyncDispose]: dispose,
  };
};
