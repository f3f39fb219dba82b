import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { leftOut, linesOf } from '../testing/outside-clients.ts';

/** For Pythons that are not the first on the path. LiteLLM wants another version of OpenAI's client than everybody else. */
const python = process.env['RUNNEL_PYTHON'] ?? 'python3';
const litellmPython = process.env['RUNNEL_LITELLM_PYTHON'] ?? python;
const has = (program: string, ...modules: string[]): boolean => spawnSync(program, ['-c', `import ${modules.join(', ')}`]).status === 0;

/** What a script of clients prints, against a product of its own. */
const told = (program: string, script: string, ...more: string[]): Promise<string[]> =>
  linesOf(program, (url) => [join(import.meta.dirname, '../testing', script), `${url}/v1`, ...more]);

test.skipIf(leftOut(has(python, 'openai', 'langchain_openai')))(
  'OpenAI’s client for Python and LangChain’s work unchanged (skipped without pip install openai langchain-openai)',
  async () => {
    expect(await told(python, 'openai_clients.py')).toEqual([
      ...['whole', 'streamed', 'refused', 'resumed'],
      ...['langchain', 'langchain-streamed', 'langchain-responses', 'langchain-responses-streamed'],
    ]);
  },
  90_000,
);

test.skipIf(leftOut(has(python, 'llm')))(
  'the llm command works unchanged (skipped without pip install llm)',
  async () => {
    expect(await told(python, 'llm_client.py')).toEqual(['llm']);
  },
  180_000,
);

const hasProxy = !leftOut(has(litellmPython, 'litellm', 'apscheduler'));
test.skipIf(leftOut(has(litellmPython, 'litellm')))(
  'LiteLLM’s SDK and proxy work unchanged (skipped without pip install "litellm[proxy]")',
  async () => {
    const lines = await told(litellmPython, 'litellm_clients.py', ...(hasProxy ? ['proxy'] : []));
    const due = ['litellm', 'litellm-streamed', 'litellm-responses', 'litellm-refused', ...(hasProxy ? ['litellm-proxy'] : [])];
    // It talks of itself in between.
    expect(lines.filter((line) => due.includes(line))).toEqual(due);
  },
  400_000,
);
