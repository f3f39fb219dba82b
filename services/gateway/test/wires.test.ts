import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { scriptPod, type ScriptRun } from '../testing/http/script-pod.ts';
import { startGateway } from '../testing/test-gateway.ts';

const root = join(import.meta.dirname, '../../..');
/** Inside the repository, where the clients are installed. */
const folder = join(root, 'node_modules/.cache/runnel-wires');

const exampleOf = (page: string): string => {
  const [, code] = /```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/wires', `${page}.md`), 'utf8')) ?? [];
  if (code === undefined) throw new Error(`docs/wires/${page}.md has no example`);
  return code;
};

const answer = async (run: ScriptRun): Promise<void> => {
  for (const word of ['Xin ', 'chào ', '👋']) await run.say(word);
  await run.end();
};

test.each(['durable-streams', 'ai-sdk', 'ag-ui', 'chat-completions', 'responses'])(
  'the example of docs/wires/%s.md is ten lines, runs as it stands, and prints the answer',
  async (page) => {
    await using runLog = Object.assign(createMemoryRunLog(), { [Symbol.asyncDispose]: async () => undefined });
    const pod = scriptPod(runLog, answer);
    await using gateway = await startGateway({ runLog, dispatcher: pod, models: pod.models });
    const code = exampleOf(page);
    expect(code.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(10);
    if (page === 'durable-streams') {
      await fetch(`${gateway.url}/api/chat?user_id=ann`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ conversationId: 'tour', messageId: 'm1', runId: 'r1', text: 'Hello' }),
      });
    }
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${page}-${process.pid}.mjs`);
    writeFileSync(
      file,
      code.replaceAll('http://localhost:8080', gateway.url).replaceAll('ws://localhost:8080', gateway.url.replace('http', 'ws')),
    );
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 20_000 });
      expect(stdout).toBe('Xin chào 👋\n');
    } finally {
      rmSync(file, { force: true });
    }
  },
);
