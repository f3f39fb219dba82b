import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, collect, NEVER, textOf } from '../../testing/streams.ts';
import { createLocalProvider } from './local.ts';

/** Speaks like node-llama-cpp: answers with the history it was given, word by word, or for ever. */
const FAKE = `
export const getLlama = async () => ({
  async loadModel({ modelPath }) {
    if (modelPath.endsWith('broken.gguf')) throw new Error('not a model');
    return { createContext: async () => ({ getSequence: () => ({ tokenMeter: { getState: () => ({ usedInputTokens: 3, usedOutputTokens: 4 }) }, dispose() {} }) }) };
  },
  async dispose() {},
});
export class LlamaChat {
  async generateResponse(history, { onTextChunk, signal }) {
    const words = JSON.stringify(history).split(' ');
    do {
      for (const word of words) {
        if (signal.aborted) return;
        onTextChunk(word);
        await new Promise((resolve) => setImmediate(resolve));
      }
    } while (JSON.stringify(history).includes('for ever'));
  }
  dispose() {}
}
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runnel-local-'));
  const module = join(folder, 'node_modules', 'node-llama-cpp');
  await mkdir(join(module, 'dist'), { recursive: true });
  await writeFile(join(module, 'package.json'), '{"type":"module"}');
  await writeFile(join(module, 'dist', 'index.js'), FAKE);
});
afterAll(() => rm(folder, { recursive: true }));

describe('with a stand-in for the runtime', () => {
  test('P-4 gives the model the thread and its own unfinished turn, and counts tokens', async () => {
    const provider = createLocalProvider({ file: join(folder, 'some.gguf') });
    const request = {
      ...ask('hi', 'Hel'),
      messages: [{ role: 'system' as const, text: 'Be kind.' }, { role: 'assistant' as const, text: 'Yes?' }, ...ask('hi').messages],
    };
    const deltas = await collect(provider.stream(request, NEVER));
    const history = [
      { type: 'system', text: 'Be kind.' },
      { type: 'model', response: ['Yes?'] },
      { type: 'user', text: 'hi' },
      { type: 'model', response: ['Hel'] },
    ];
    expect(
      deltas
        .map((delta) => ('text' in delta ? delta.text : ''))
        .join(' ')
        .trim(),
    ).toBe(JSON.stringify(history));
    expect(deltas.slice(-2)).toEqual([{ usage: { promptTokens: 3, completionTokens: 4 } }, { finish: 'stop' }]);
    await provider.close?.();
  });

  test('P-5 stops, and gives its place to the next one', async () => {
    const provider = createLocalProvider({ file: join(folder, 'some.gguf') });
    const stop = new AbortController();
    const running = Array.from({ length: 4 }, () => textOf(provider, ask('for ever'), stop.signal));
    const waiting = textOf(provider, ask('short'));
    setImmediate(() => stop.abort());
    await Promise.all(running);
    expect(await waiting).toContain('short');
  });

  test('a file that is no model fails, and may be tried again', async () => {
    const provider = createLocalProvider({ file: join(folder, 'broken.gguf') });
    for (let i = 0; i < 2; i++) await expect(textOf(provider, ask('hi'))).rejects.toMatchObject({ code: 'model-failed' });
  });
});

/** Put there by `npm run model`. */
const REAL = fileURLToPath(new URL('../../../../models/SmolLM2-135M-Instruct.Q4_1.gguf', import.meta.url));

test.skipIf(!existsSync(REAL))(
  'P-4 a real model chats, and goes on behind a prefix',
  async () => {
    const provider = createLocalProvider({ file: REAL, maxOutputTokens: 24, temperature: 0 });
    const question = 'What is the capital of France?';
    const deltas = await collect(provider.stream(ask(question), NEVER));
    const texts = deltas.map((delta) => ('text' in delta ? delta.text : ''));
    const whole = texts.join('');
    expect(whole).toContain('Paris');
    // Cut where the model paused, as a takeover does, it says without chance what it would have said.
    const prefix = texts.slice(0, 5).join('');
    const continued = await textOf(provider, ask(question, prefix));
    expect((prefix + continued).slice(0, whole.length)).toBe(whole);
    expect(deltas.at(-1)).toMatchObject({ usage: { completionTokens: expect.any(Number) } });
    await provider.close?.();
  },
  60_000,
);
