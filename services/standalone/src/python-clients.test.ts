import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { createHealth, createMetrics, loadConfig, silentLog } from '@runnel/kit';
import { createStandalone } from './app.ts';
import { configSpec } from './config.ts';
import { chooseModels } from './local-models.ts';

const python = process.env['RUNNEL_PYTHON'] ?? 'python3';
/** `pip install openai langchain-openai`, and `RUNNEL_PYTHON` for a Python that is not the first on the path. */
const hasClients = spawnSync(python, ['-c', 'import openai, langchain_openai']).status === 0;

test.skipIf(!hasClients)(
  'OpenAI’s client for Python and LangChain’s work unchanged (skipped without pip install openai langchain-openai)',
  async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'runnel-python-'));
    const { gateway, closables } = await createStandalone({
      config: loadConfig(configSpec, { DATA_DIR: dataDir }),
      models: chooseModels({}, []),
      env: {},
      log: silentLog,
      metrics: createMetrics('test', { processMetrics: false }),
      health: createHealth(),
    });
    onTestFinished(async () => {
      for (const closable of closables.toReversed()) await closable.close();
      await rm(dataDir, { recursive: true, force: true });
    });
    const url = await gateway.app.listen({ host: '127.0.0.1', port: 0 });
    const script = join(import.meta.dirname, '../testing/openai_clients.py');
    const { stdout } = await promisify(execFile)(python, [script, `${url}/v1`], { timeout: 60_000 });
    expect(stdout.trim().split('\n')).toEqual([
      ...['whole', 'streamed', 'refused', 'resumed'],
      ...['langchain', 'langchain-streamed', 'langchain-responses', 'langchain-responses-streamed'],
    ]);
  },
  90_000,
);
