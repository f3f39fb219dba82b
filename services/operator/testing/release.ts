import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { delay, waitFor } from '@runnel/kit';
import type { KubeApi } from '@runnel/kube';
import type { ModelEntry } from '@runnel/protocol/http';
import { MODELS_KEY, type ConfigMap, type Secret } from '../src/models/files.ts';

const MAIN = join(import.meta.dirname, '../../standalone/src/main.ts');
const NS = '/api/v1/namespaces/chat';
const LOOK_MS = 200;

export interface Release {
  url: string;
  /** What it has taken of the file: what its pods would say they have. */
  taken(): ModelEntry[];
  close(): Promise<void>;
}

/** A Runnel that answers, in a process of its own; what the operator publishes comes into its folder as the kubelet would bring it. */
export const startRelease = async (api: KubeApi, modelsDir: string): Promise<Release> => {
  const file = join(modelsDir, MODELS_KEY);
  const dataDir = await mkdtemp(join(tmpdir(), 'runnel-release-'));
  const first: ModelEntry[] = [{ id: 'demo', provider: 'demo' }];
  await mkdir(modelsDir, { recursive: true });
  await writeFile(file, JSON.stringify(first));
  let [brought, taken] = [first, first];
  let url = '';
  const env = {
    ...{ PATH: process.env['PATH'], HOME: dataDir, HOST: '127.0.0.1', PORT: '0', INTERNAL_PORT: '0', DATA_DIR: dataDir },
    ...{ MODELS_FILE: file, LOG_LEVEL: 'info' },
  };
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  createInterface({ input: child.stdout }).on('line', (line) => {
    url ||= /Runnel is at (http:\/\/\S+)/.exec(line)?.[1] ?? '';
    if (line.includes('"models.changed"')) taken = brought;
  });

  const stopped = new AbortController();
  let known = '';
  const bring = async (): Promise<void> => {
    const [models, keys] = await Promise.all([
      api.find<ConfigMap>(`${NS}/configmaps/runnel-models`),
      api.find<Secret>(`${NS}/secrets/runnel-model-keys`),
    ]);
    const text = models?.data?.[MODELS_KEY];
    if (text === undefined || text + JSON.stringify(keys?.data) === known) return;
    known = text + JSON.stringify(keys?.data);
    for (const [name, value] of Object.entries(keys?.data ?? {})) await writeFile(join(modelsDir, name), Buffer.from(value, 'base64'));
    await writeFile(`${file}.next`, text);
    await rename(`${file}.next`, file);
    const named = new Set([MODELS_KEY, ...Object.keys(keys?.data ?? {})]);
    for (const name of await readdir(modelsDir)) if (!named.has(name)) await rm(join(modelsDir, name));
    brought = JSON.parse(text) as ModelEntry[];
  };
  const bringing = (async () => {
    for (; !stopped.signal.aborted; await delay(LOOK_MS, stopped.signal)) await bring().catch(() => undefined);
  })();
  await waitFor(() => url !== '', { deadlineMs: 120_000, everyMs: 200, what: 'a Runnel that answers' });
  return {
    url,
    taken: () => taken,
    async close() {
      stopped.abort();
      await bringing;
      if (child.exitCode === null) {
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};
