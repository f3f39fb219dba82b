import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '@runnel/kit';

const MAIN = join(import.meta.dirname, '../../services/standalone/src/main.ts');
const START_MS = 45_000;
/** As of the pods of scenarios: a third of what a start costs. */
const NODE_COMPILE_CACHE = join(tmpdir(), 'runnel-compile-cache');
/** Not what keys and files on this machine would offer. */
const MODELS = JSON.stringify(['demo', 'count'].map((id) => ({ id, provider: id })));

export interface Standalone extends AsyncDisposable {
  url: string;
  dataDir: string;
  /** As a person ends it: with what it still has to store. */
  stop(): Promise<void>;
  /** SIGKILL, and again with the same folder at the same address. */
  restart(): Promise<void>;
}

interface Started {
  child: ChildProcess;
  url: string;
}

/** @throws Error with what it said when it does not come up */
const launch = async (env: NodeJS.ProcessEnv): Promise<Started> => {
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  try {
    const url = await new Promise<string>((resolve, reject) => {
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
    return { child, url };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
};

const end = async ({ child }: Started, signal: NodeJS.Signals): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
};

/** The whole product in one process of its own, on a free port and an empty data folder, serving web/dist. */
export const startStandalone = async (env: Record<string, string> = {}): Promise<Standalone> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'runnel-web-'));
  const settings = { ...process.env, NODE_COMPILE_CACHE, INTERNAL_PORT: '0', DATA_DIR: dataDir, MODELS, ...env };
  const removed = (): Promise<void> => rm(dataDir, { recursive: true, force: true });
  const removeAndThrow = async (error: unknown): Promise<never> => {
    await removed();
    throw error;
  };
  let started = await launch({ PORT: '0', ...settings }).catch(removeAndThrow);
  const { url } = started;
  return {
    url,
    dataDir,
    stop: () => end(started, 'SIGTERM'),
    async restart() {
      await end(started, 'SIGKILL');
      started = await launch({ ...settings, PORT: new URL(url).port });
    },
    async [Symbol.asyncDispose]() {
      await end(started, 'SIGKILL');
      await removed();
    },
  };
};

/** Conversations of one person, the last one the newest: each is answered before the next begins, since an answer that ends moves to the front. */
export const answered = async ({ url }: Standalone, user: string, texts: readonly string[]): Promise<void> => {
  for (const text of texts) {
    const ids = { conversationId: randomUUID(), messageId: randomUUID() };
    const response = await fetch(`${url}/api/chat?user_id=${user}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...ids, text, model: 'count' }),
    });
    if (response.status !== 202) throw new Error(`/api/chat said ${response.status}`);
    await waitFor(async () => {
      const page = await (await fetch(`${url}/api/history/${ids.conversationId}?user_id=${user}`)).json();
      return (page as { messages: unknown[] }).messages.length === 2;
    });
  }
};
