import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '../../services/standalone/src/main.ts');
const START_MS = 45_000;
/** As of the pods of scenarios: a third of what a start costs. */
const NODE_COMPILE_CACHE = join(tmpdir(), 'runnel-compile-cache');
/** Not what keys and files on this machine would offer. */
const MODELS = JSON.stringify(['demo', 'count'].map((id) => ({ id, provider: id })));

export interface Standalone extends AsyncDisposable {
  url: string;
  /** As a person ends it: with what it still has to store. */
  stop(): Promise<void>;
}

/** The whole product in one process of its own, on a free port and an empty data folder, serving web/dist. */
export const startStandalone = async (env: Record<string, string> = {}): Promise<Standalone> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'runnel-web-'));
  const child = spawn(process.execPath, [MAIN], {
    env: { ...process.env, NODE_COMPILE_CACHE, PORT: '0', INTERNAL_PORT: '0', DATA_DIR: dataDir, MODELS, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const url = new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`standalone is not up after ${START_MS} ms: ${output}`)), START_MS);
    const read = (bytes: Buffer): void => {
      output += bytes.toString();
      const found = /at (http:\/\/\S+)/.exec(output)?.[1];
      if (!found) return;
      clearTimeout(late);
      resolve(found);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => reject(new Error(`standalone ended with ${code}: ${output}`)));
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  };
  const dispose = async (): Promise<void> => {
    await end('SIGKILL');
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    return { url: await url, stop: () => end('SIGTERM'), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
};
