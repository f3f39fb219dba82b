import { expect, test } from 'vitest';
import { createMetrics, LATENCY_BUCKETS_SECONDS, startAtZero, storeObserver } from './metrics.ts';

test('counts by label and carries the service', async () => {
  const metrics = createMetrics('gateway', { processMetrics: false });
  metrics.counter('runnel_appends_total', 'Appends.', ['outcome']).inc({ outcome: 'appended' }, 3);
  expect(await metrics.text()).toContain('runnel_appends_total{outcome="appended",service="gateway"} 3');
});

test('asking twice for one name gives the same metric', () => {
  const metrics = createMetrics('gateway', { processMetrics: false });
  expect(metrics.gauge('runnel_sockets', 'Sockets.')).toBe(metrics.gauge('runnel_sockets', 'Sockets.'));
});

test('services in one process have registries of their own', async () => {
  const [gateway, ai] = [createMetrics('gateway', { processMetrics: false }), createMetrics('ai', { processMetrics: false })];
  gateway.counter('runnel_x_total', 'X.').inc();
  ai.counter('runnel_x_total', 'X.').inc(5);
  expect(await gateway.text()).toContain('{service="gateway"} 1');
  expect(await ai.text()).toContain('{service="ai"} 5');
});

test('a name that is not ours, or a label without bound, is refused', () => {
  const metrics = createMetrics('gateway', { processMetrics: false });
  expect(() => metrics.counter('http_requests', 'X.')).toThrow(/runnel_/);
  expect(() => metrics.counter('runnel_x', 'X.', ['userId'])).toThrow(/no bound/);
  expect(() => metrics.counter('runnel_x', 'X.', ['conversation_id'])).toThrow(/no bound/);
});

test('everything that is served is named runnel_…, the process metrics too, which have their stock names besides', async () => {
  const names = (await createMetrics('gateway').text()).match(/^# TYPE (\S+)/gm) ?? [];
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !/^# TYPE (runnel|process|nodejs)_/.test(name))).toEqual([]);
});

test('P-4 P-5 P-7 the promised figures are bounds of the buckets', () => {
  expect(LATENCY_BUCKETS_SECONDS).toEqual(expect.arrayContaining([0.005, 0.05, 0.12, 0.25]));
  expect(LATENCY_BUCKETS_SECONDS).toEqual(LATENCY_BUCKETS_SECONDS.toSorted((a, b) => a - b));
});

test('a tally is in the counter when somebody asks, each count once', async () => {
  const metrics = createMetrics('test', { processMetrics: false });
  const tally = metrics.tally(metrics.counter('runnel_seen_total', 'Seen.'));
  tally.inc();
  tally.inc();
  expect(await metrics.text()).toContain('runnel_seen_total{service="test"} 2');
  tally.inc();
  expect(await metrics.openMetrics()).toContain('runnel_seen_total{service="test"} 3');
});

test('a sampled gauge is read when somebody asks, and one that fails costs only itself', async () => {
  const metrics = createMetrics('gateway', { processMetrics: false });
  let backlog = 3;
  metrics.sampled(metrics.gauge('runnel_backlog', 'Waiting.'), () => backlog);
  metrics.sampled(metrics.gauge('runnel_broken', 'Broken.'), () => Promise.reject(new Error('away')));
  backlog = 7;
  expect(await metrics.text()).toContain('runnel_backlog{service="gateway"} 7');
});

test('commands to the store are told by outcome', async () => {
  const metrics = createMetrics('ai', { processMetrics: false });
  storeObserver(metrics)('append-chunk', 0.002, 'fenced');
  expect(await metrics.text()).toContain('runnel_store_command_seconds_count{service="ai",command="append-chunk",outcome="fenced"} 1');
});

test('OpenMetrics carries the newest trace of each bucket; the plain text is the same as before, whichever is asked for first', async () => {
  const metrics = createMetrics('ai', { processMetrics: false });
  const seconds = metrics.histogram('runnel_run_seconds', 'Runs.', [0.1, 1], ['model']);
  const ended = metrics.counter('runnel_ends_total', 'Ends.');
  ended.inc(2);
  const traces = ['a', 'b', 'c'].map((digit) => digit.repeat(32));
  for (const [i, value] of [0.05, 0.07, 7].entries()) {
    seconds.observe({ model: 'demo' }, value);
    metrics.exemplar(seconds, { model: 'demo' }, value, traces[i]);
  }
  metrics.exemplar(seconds, { model: 'demo' }, 0.5, undefined);
  const plain = await metrics.text();
  const lines = (await metrics.openMetrics()).split('\n');
  expect(await metrics.text()).toBe(plain);
  expect(lines).toContain('# TYPE runnel_ends counter');
  expect(lines).toContain('runnel_ends_total{service="ai"} 2');
  expect(lines.find((line) => line.includes('le="0.1"'))).toMatch(new RegExp(`} 2 # {trace_id="${traces[1]}"} 0.07 1\\d{9}`));
  expect(lines.find((line) => line.includes('le="1"'))).toMatch(/} 2$/);
  expect(lines.find((line) => line.includes('le="+Inf"'))).toContain(`} 3 # {trace_id="${traces[2]}"} 7 `);
  expect(lines.slice(-2)).toEqual(['# EOF', '']);
});

test('a counter begins at zero for each combination of its known words, and keeps what it counted before', async () => {
  const metrics = createMetrics('gateway', { processMetrics: false });
  const counter = metrics.counter('runnel_x_total', 'X.', ['command', 'outcome']);
  counter.inc({ command: 'a', outcome: 'ok' }, 2);
  startAtZero(counter, { command: ['a', 'b'], outcome: ['ok', 'failed'] });
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('runnel_x_total'));
  expect(lines.toSorted()).toEqual([
    'runnel_x_total{command="a",outcome="failed",service="gateway"} 0',
    'runnel_x_total{command="a",outcome="ok",service="gateway"} 2',
    'runnel_x_total{command="b",outcome="failed",service="gateway"} 0',
    'runnel_x_total{command="b",outcome="ok",service="gateway"} 0',
  ]);
});
