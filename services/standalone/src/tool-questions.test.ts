import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHealth, createMetrics, loadConfig, silentLog, waitFor } from '@runnel/kit';
import type { Part } from '@runnel/protocol';
import { expect, onTestFinished, test } from 'vitest';
import { createStandalone } from './app.ts';
import { configSpec } from './config.ts';
import { chooseModels } from './local-models.ts';

interface Shown {
  run: { runId: string; parts?: Part[]; waiting?: string[] } | null;
  messages: { messageId: string; text: string; parts?: Part[] }[];
}

/** `npm start` on a port; what it shows to a reader who comes now. */
const start = async (dataDir: string) => {
  const { gateway, closables } = await createStandalone({
    config: loadConfig(configSpec, { DATA_DIR: dataDir }),
    models: chooseModels({}, []),
    env: {},
    log: silentLog,
    metrics: createMetrics('test', { processMetrics: false }),
    health: createHealth(),
  });
  await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  const origin = `http://127.0.0.1:${(gateway.app.server.address() as AddressInfo).port}`;
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closed ??= (async () => {
      for (const closable of closables.toReversed()) await closable.close();
    })());
  onTestFinished(close);
  const post = async (path: string, body: object) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const answer = await fetch(`${origin}${path}?user_id=ann`, init);
    return { status: answer.status, body: (await answer.json()) as { outcome?: string } };
  };
  const shown = async (): Promise<Shown> => {
    const response = await fetch(`${origin}/api/conversations/c1/events?user_id=ann`, { signal: AbortSignal.timeout(5_000) });
    let text = '';
    for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
      text += piece;
      const [, json] = /^data: (\{[^\n]*"type":"snapshot"[^\n]*\})\n/m.exec(text) ?? [];
      if (json !== undefined) return JSON.parse(json) as Shown;
    }
    throw new Error('no snapshot');
  };
  const ask = async (text: string): Promise<void> => {
    const chat = { conversationId: 'c1', messageId: 'm1', runId: 'r1', text, model: 'demo' };
    expect((await post('/api/chat', chat)).status).toBe(202);
  };
  /** The parts that the run waits for. */
  const waiting = (): Promise<Part[]> =>
    waitFor(
      async () => {
        const { run } = await shown();
        const open = (run?.parts ?? []).filter((part) => part.state === 'waiting');
        return run?.waiting && open.length > 0 ? open : undefined;
      },
      { deadlineMs: 15_000, what: 'something that waits' },
    );
  const decide = async (partId: string, said: object): Promise<void> =>
    expect((await post('/api/decide', { conversationId: 'c1', runId: 'r1', partId, ...said })).body).toEqual({ outcome: 'decided' });
  const ended = (): Promise<Shown['messages'][number]> =>
    waitFor(async () => (await shown()).messages.find(({ messageId }) => messageId === 'r1'), { deadlineMs: 15_000, what: 'the end' });
  return { shown, ask, waiting, decide, ended, close };
};

const folder = async (): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'runnel-standalone-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
};
const digestOf = (text = ''): string => createHash('sha256').update(text).digest('hex');
const guestsOf = async (dir: string): Promise<object[]> =>
  (await readFile(join(dir, 'tools', 'guests.ndjson'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);

test('W-17 W-19 a tool that asks for input: questions to the person, over a restart, an answer that does not fit, and one execution', async () => {
  const dir = await folder();
  const first = await start(dir);
  await first.ask('use the guest book');
  const [call] = await first.waiting();
  await first.decide(call!.partId, { decision: 'approve', inputSha256: digestOf(call!.input) });
  const questions = await waitFor(async () => {
    const open = await first.waiting();
    return open.length === 2 ? open : undefined;
  });
  expect(questions).toMatchObject([
    { kind: 'question', text: 'For the guest book:\nYour name', of: call!.partId, server: 'demo', title: 'Guest book' },
    { kind: 'question', text: 'For the guest book:\nHow many stars, of five?\n(It may be left out.)' },
  ]);
  expect((await first.shown()).run!.parts![call!.index]).toMatchObject({ state: 'running', attempt: 1 });
  await first.close();

  const second = await start(dir);
  await second.decide(questions[0]!.partId, { decision: 'answer', text: 'Ann' });
  await second.decide(questions[1]!.partId, { decision: 'answer', text: 'nine' });
  const [again] = await waitFor(async () => {
    const open = await second.waiting();
    return open[0]?.partId === questions[1]!.partId ? undefined : open;
  });
  expect(again!.text).toMatch(/has to be a number/);
  await second.decide(again!.partId, { decision: 'answer', text: '5' });
  const { parts, text } = await second.ended();
  expect(parts![call!.index]).toMatchObject({ kind: 'tool', state: 'done', attempt: 2, output: 'Written as guest 1.' });
  expect(parts![call!.index]).not.toHaveProperty('asks');
  expect(text).toContain('Written as guest 1.');
  expect(await guestsOf(dir)).toMatchObject([{ name: 'Ann', stars: 5, key: `r1:${call!.partId}`, attempt: 2 }]);
});

test('W-17 who does not answer what a tool has to know declines, and the tool says so', async () => {
  const { ask, waiting, decide, ended } = await start(await folder());
  await ask('use the guest book');
  const [call] = await waiting();
  await decide(call!.partId, { decision: 'approve', inputSha256: digestOf(call!.input) });
  for (const { partId } of await waitFor(async () => ((await waiting()).length === 2 ? waiting() : undefined)))
    await decide(partId, { decision: 'skip' });
  expect((await ended()).parts![call!.index]).toMatchObject({ state: 'failed', error: { code: 'tool-error', message: /Nobody wants/ } });
});
