import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { newFolder, startAll } from '../testing/start-all.ts';

const python = process.env['RUNNEL_PYTHON'] ?? 'python3';
/** `RUNNEL_PYTHON` for a Python that is not the first on the path. */
const has = (...modules: string[]): boolean => spawnSync(python, ['-c', `import ${modules.join(', ')}`]).status === 0;

/** What a script of clients prints, against a product of its own. */
const told = async (script: string, ...more: string[]): Promise<string[]> => {
  const url = await (await startAll(await newFolder())).listen();
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
