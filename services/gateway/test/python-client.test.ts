import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { delay } from '@runnel/kit';
import { scriptPod, type ScriptRun } from '../testing/http/script-pod.ts';
import { pythonWith } from '../testing/python.ts';
import { startGateway } from '../testing/test-gateway.ts';

const HOME = join(import.meta.dirname, '../../../clients/python');
const python = await pythonWith('client', ['websockets==15.0.1', 'mypy==2.4.1'], ['websockets', 'mypy']);

/** `count N at R` as the model of that name answers it. */
const count = async (run: ScriptRun, [, many, rate]: RegExpExecArray): Promise<void> => {
  for (let n = 1; n <= Number(many); n++) {
    if ((await run.say(`${n === 1 ? '' : ' '}w${String(n).padStart(6, '0')}`)) !== 'appended') return;
    await delay(1_000 / Number(rate));
  }
  await run.end({ finish: 'stop' });
};

/** Thinks, then wants to call something that a person has to approve; behind the decision it goes on. */
const ask = async (run: ScriptRun): Promise<void> => {
  if (run.parts.parts.length > 0) {
    await run.parts.put({ partId: 'p1', state: 'running', attempt: 1 });
    await run.parts.stream('p1', 'output', 'ok');
    await run.parts.put({ partId: 'p1', state: 'done' });
    await run.say('It is gone.');
    return void (await run.end({ finish: 'stop' }));
  }
  await run.parts.put({ partId: 'p0', text: '' });
  await run.parts.stream('p0', 'text', 'nghĩ');
  await run.parts.put({ partId: 'p0', state: 'done' });
  await run.parts.put({ partId: 'p1', kind: 'tool', name: 'delete', server: 'demo', state: 'input', input: '' });
  await run.parts.stream('p1', 'input', '{"path": "/a"}');
  await run.parts.put({ partId: 'p1', state: 'waiting', approval: { policy: 'ask' } });
  await run.parts.park(['p1']);
};

const answer = async (run: ScriptRun): Promise<unknown> => {
  const text = run.messages.at(-1)?.text ?? '';
  const counted = /^count (\d+) at (\d+)$/.exec(text);
  return counted ? count(run, counted) : ask(run);
};

test.skipIf(python === null)(
  'W-10 W-16 the client for Python meets the cases, loses nothing over broken sockets, and decides (skipped without Python 3.11 and its packages)',
  async () => {
    const runLog = createMemoryRunLog();
    const pod = scriptPod(runLog, answer);
    const gateway = await startGateway({ runLog, dispatcher: pod, models: pod.models });
    onTestFinished(() => gateway.close());
    const env = { ...process.env, RUNNEL_URL: gateway.url, RUNNEL_MODEL: 'script' };
    const ran = await promisify(execFile)(python!, ['-m', 'unittest', '-v'], { cwd: HOME, env, timeout: 80_000 });
    expect(ran.stderr).toMatch(/Ran 8 tests[^]*\nOK\n/);
    const typed = await promisify(execFile)(python!, ['-m', 'mypy', '.'], { cwd: HOME, timeout: 80_000 });
    expect(typed.stdout).toContain('no issues found');
  },
  200_000,
);

test('the ten lines of its page are the example that is run', async () => {
  const [page, example] = await Promise.all(['README.md', 'examples/ten_lines.py'].map((file) => readFile(join(HOME, file), 'utf8')));
  expect(page).toContain(`\`\`\`python\n${example}\`\`\``);
});
