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
/** `RUNNEL_PYTHON` for a Python that is not the first on the path. */
const has = (...modules: string[]): boolean => spawnSync(python, ['-c', `import ${modules.join(', ')}`]).status === 0;

/** What a script of clients prints, against a product of its own. */
const told = async (script: string, ...more: string[]): Promise<string[]> => {
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
  const path = join(import.meta.dirname, '../testing', script);
  const { stdout } = await promisify(execFile)(python, [path, `${url}/v1`, ...more], { timeout: 380_000 });
  return stdout.trim().split('\n');
};

test.skipIf(!has('openai', 'langchain_openai'))(
  'OpenAI’s client for Python and LangChain’s work unchanged (skipped without pip install openai langchain-openai)',
  async () => {
    expect(await told('openai_clients.py')).toEqual([
      ...['whole', 'streamed', 'refused', 'resumed'],
      ...['langchain', 'langchain-streamed', 'langchain-responses', 'langchain-responses-streamed'],
    ]);
  },
  90_000,
);

const hasProxy = has('litellm', 'apscheduler');
test.skipIf(!has('litellm', 'llm'))(
  'LiteLLM’s SDK and proxy, and llm, work unchanged (skipped without pip install "litellm[proxy]" llm)',
  async () => {
    const lines = await told('litellm_clients.py', ...(hasProxy ? ['proxy'] : []));
    const due = ['litellm', 'litellm-streamed', 'litellm-responses', 'litellm-refused', 'llm', ...(hasProxy ? ['litellm-proxy'] : [])];
    // It talks of itself in between.
    expect(lines.filter((line) => due.includes(line))).toEqual(due);
  },
  400_000,
);
