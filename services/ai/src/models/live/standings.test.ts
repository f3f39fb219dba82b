import { expect, test } from 'vitest';
import { createMetrics } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import { hashOfEntry, type ModelEntry } from '@runnel/protocol/http';
import { createAiMetrics } from '../../metrics.ts';
import { createStandings } from './standings.ts';

const entry = (id: string): ModelEntry => ({ id, provider: 'demo' });

const playing = () => {
  const clock = { now: 1_000_000 };
  const metrics = createMetrics('ai', { processMetrics: false });
  const standings = createStandings(() => clock.now);
  const heard = standings.listenTo(createAiMetrics(metrics));
  const end = (model: string, result: 'complete' | 'failed' | 'cancelled'): void => heard.ended(model, result, 5, { trace: null });
  return { clock, metrics, standings, heard, end };
};

test('each model tells how its last answers ended, and what its first texts took; what people cancelled says nothing of it', async () => {
  const { clock, metrics, standings, heard, end } = playing();
  for (let ms = 1; ms <= 100; ms++) heard.observer('a').firstToken?.(ms);
  for (const result of ['complete', 'complete', 'failed', 'cancelled'] as const) end('a', result);
  heard.observer('a').failed?.(new RunnelError('rate-limited'));
  const figures = standings.figures([entry('a'), entry('b')], new Map([['a', 3]]));
  expect(figures).toEqual({
    a: {
      ...{ hash: hashOfEntry(entry('a')), running: 3, ok: 2, failed: 1, firstTextP95Ms: 96 },
      lastFailure: { code: 'rate-limited', at: clock.now },
    },
    b: { hash: hashOfEntry(entry('b')), running: 0, ok: 0, failed: 0, firstTextP95Ms: null },
  });
  expect(standings.ended).toEqual({ ok: 2, failed: 1 });
  expect(await metrics.text()).toMatch(/runnel_ai_run_end_total\{.*reason="failed",model="a".*\} 1/);
});

test('what is older than five minutes is forgotten, and so is a model that is gone', () => {
  const { clock, standings, heard, end } = playing();
  end('a', 'failed');
  heard.observer('a').firstToken?.(10);
  clock.now += 5 * 60_000;
  expect(standings.figures([entry('a')], new Map())['a']).toMatchObject({ ok: 0, failed: 0, firstTextP95Ms: null });
  heard.observer('a').failed?.(new RunnelError('unavailable'));
  standings.figures([], new Map());
  expect(standings.figures([entry('a')], new Map())['a']).not.toHaveProperty('lastFailure');
});

test('a busy model is remembered within bounds', () => {
  const { standings, end } = playing();
  for (let i = 0; i < 10_000; i++) end('a', 'complete');
  expect(standings.figures([entry('a')], new Map())['a']!.ok).toBe(256);
});
