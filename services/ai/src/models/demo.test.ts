import { describe, expect, test } from 'vitest';
import { createFastClock } from '../../testing/fast-clock.ts';
import { ask, collect, NEVER, textOf } from '../../testing/streams.ts';
import { createDemoProvider } from './demo.ts';
import { composeAnswer, languageOf } from './demo-answer.ts';

const PROMPTS = [
  'Hello',
  'Xin chào bạn',
  'How do tides work?',
  'Thủy triều là gì?',
  'Write a python function',
  'viết mã giúp mình',
  'thanks',
  'cảm ơn nhé',
];

describe('the language is the prompt’s', () => {
  test.each([
    ['Thủy triều là gì?', 'vi'],
    ['Xin chào', 'vi'],
    // The same letters in decomposed form, as some keyboards send them.
    ['Thủy triều'.normalize('NFD'), 'vi'],
    ['viet cho toi mot bai tho', 'vi'],
    ['How do tides work?', 'en'],
    ['Explain the café menu', 'en'],
    ['🙂', 'en'],
  ])('%s', (prompt, language) => expect(languageOf(prompt)).toBe(language));
});

test('answers with a list, a table and a code block, in both languages', () => {
  for (const prompt of ['How do tides work?', 'Thủy triều là gì?']) {
    const answer = composeAnswer(prompt, 1);
    expect(answer).toMatch(/^- \*\*/m);
    expect(answer).toMatch(/^\| --- \| --- \| --- \|$/m);
    expect(answer.match(/^```/gm)).toHaveLength(2);
    expect(answer).toContain(prompt);
  }
});

test('quotes a prompt without its markdown, shortened between characters', () => {
  const answer = composeAnswer(`<b>$& **bold** \`x\`</b> ${'🌊'.repeat(200)}`, 1);
  expect(answer).toContain('b $& bold x');
  expect(answer).not.toContain('<b>');
  expect(answer.isWellFormed()).toBe(true);
  expect(answer).toMatch(/🌊…/u);
});

test('P-4 continues its own text from any character, as any pod writes the same', async () => {
  const provider = createDemoProvider(createFastClock());
  for (const prompt of PROMPTS) {
    const whole = composeAnswer(prompt, 1);
    expect(await textOf(provider, ask(prompt))).toBe(whole);
    for (let cut = 0; cut <= whole.length; cut += 17) {
      expect(await textOf(provider, ask(prompt, whole.slice(0, cut)))).toBe(whole.slice(cut));
    }
  }
});

test('speaks word by word at a natural pace', async () => {
  const clock = createFastClock();
  const deltas = await collect(createDemoProvider(clock).stream(ask('Hello'), NEVER));
  const perSecond = deltas.length / (clock.now() / 1000);
  expect(perSecond).toBeGreaterThan(15);
  expect(perSecond).toBeLessThan(60);
});

test('stops when it is told to', async () => {
  const stop = new AbortController();
  const seen: unknown[] = [];
  for await (const delta of createDemoProvider(createFastClock()).stream(ask('Hello'), stop.signal)) {
    seen.push(delta);
    if (seen.length === 3) stop.abort();
  }
  expect(seen).toHaveLength(3);
});

test('hands a counting prompt to count', async () => {
  expect(await textOf(createDemoProvider(createFastClock()), ask('count 2 at 50'))).toBe('w000001 w000002');
});
