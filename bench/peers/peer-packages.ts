import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

const pinned = join(import.meta.dirname, 'packages');
const lock = createHash('sha256')
  .update(readFileSync(join(pinned, 'package-lock.json')))
  .digest('hex')
  .slice(0, 12);
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'runnel', `peers-${lock}`);

/** Installs what the lock file next to this names, once, under the home directory: the project itself must not depend on its peers. */
export const installPeers = (): void => {
  if (existsSync(cache)) return;
  const partial = `${cache}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    cpSync(pinned, partial, { recursive: true });
    const options = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    execFileSync('npm', options, { cwd: partial, stdio: ['ignore', 'ignore', 'inherit'] });
    renameSync(partial, cache);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
};

/** The little of Socket.IO's interface that is used here. */
export interface IoServer {
  on(event: 'connection', listener: (socket: IoSocket) => void): void;
  to(room: string): { emit(event: string, data: unknown): void };
  listen(port: number): void;
}
interface IoSocket {
  recovered: boolean;
  on(event: 'follow', listener: (room: string) => void): void;
  join(room: string): unknown;
}
interface Modules {
  'socket.io': { Server: new (options: object) => IoServer };
  '@socket.io/redis-streams-adapter': { createAdapter(redis: object, options: object): object };
  ioredis: { Redis: new (options: object) => object };
}

const load = <N extends keyof Modules>(name: N): Modules[N] => createRequire(join(cache, 'package.json'))(name) as Modules[N];

/** How many entries the adapter's one stream keeps: enough that recovery has every chunk of the storm. */
const KEPT = 1_000_000;
const RECOVERY_MS = 120_000;

/** A Socket.IO node on this Redis; listening is the caller's. */
export const socketIoServer = (redisPort: number): IoServer => {
  const redis = new (load('ioredis').Redis)({ port: redisPort, host: '127.0.0.1' });
  return new (load('socket.io').Server)({
    transports: ['websocket'],
    perMessageDeflate: false,
    adapter: load('@socket.io/redis-streams-adapter').createAdapter(redis, { maxLen: KEPT, onlyPlaintext: true }),
    connectionStateRecovery: { maxDisconnectionDuration: RECOVERY_MS, skipMiddlewares: true },
  });
};
