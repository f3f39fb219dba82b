import { createMemoryRunLog } from '@runnel/coordination';
import { createMetrics } from '@runnel/kit';
import { expect, onTestFinished, test, vi } from 'vitest';
import { gatewayMetrics } from '../metrics.ts';
import { createHub, type Hub } from './hub.ts';
import { Screen } from '../../testing/screen.ts';
import { C, fakeClock } from '../../testing/test-hub.ts';

/** Gateways over one log, each with what it believes of who lives. */
const startGateways = async (count: number) => {
  fakeClock();
  const log = createMemoryRunLog();
  const told = vi.spyOn(log, 'notePresence');
  const living = new Set(Array.from({ length: count }, (_, n) => `gateway-${n}`));
  const hubs = [...living].map((name) => {
    const metrics = gatewayMetrics(createMetrics(name, { processMetrics: false }));
    return createHub({ runLog: log, metrics, random: () => 0.5, neighbours: { name, alive: () => [...living] } });
  });
  onTestFinished(async () => {
    await Promise.all(hubs.map((hub) => hub.close()));
  });
  await log.beginRun({ conversationId: C, userId: 'ann', runId: 'r', model: 'm', title: 't', message: { messageId: 'm', text: 'x' } });
  const open = (hub: Hub, userId = 'ann') => {
    const screen = new Screen(C);
    return { screen, follow: hub.follow({ conversationId: C, userId, cursor: null, sink: screen }) };
  };
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms).then(() => new Promise<void>((resolve) => setImmediate(resolve)));
  return { hubs, living, told, open, pass };
};
const shown = (screen: Screen): unknown[] => screen.hints.filter(({ type }) => type === 'presence').map(({ devices }) => devices);

test('who has a conversation open is counted over all gateways, within two seconds, and a gateway that died is forgotten', async () => {
  const { hubs, living, open, pass } = await startGateways(2);
  const here = open(hubs[0]!);
  await pass(1_500);
  expect(shown(here.screen)).toEqual([1]);
  const there = open(hubs[1]!);
  await pass(2_000);
  expect(shown(here.screen).at(-1)).toBe(2);
  expect(shown(there.screen).at(-1)).toBe(2);
  expect(here.screen.hints.at(-1)).toEqual({ type: 'presence', conversationId: C, users: ['ann'], devices: 2 });
  // Closed in the ordinary way.
  there.follow.close();
  await pass(2_000);
  expect(shown(here.screen).at(-1)).toBe(1);
  open(hubs[1]!);
  await pass(2_000);
  expect(shown(here.screen).at(-1)).toBe(2);
  // Killed: it says nothing, and its word runs out.
  await pass(10_000);
  living.delete('gateway-1');
  await pass(2_000);
  expect(shown(here.screen).at(-1)).toBe(1);
});

test('a stranger who waits for an id is no screen of its owner’s', async () => {
  const { hubs, open, pass } = await startGateways(1);
  const { screen } = open(hubs[0]!);
  const stranger = open(hubs[0]!, 'bob').screen;
  await pass(3_000);
  expect(shown(screen)).toEqual([1]);
  expect(shown(stranger)).toEqual([]);
});

test('P-8 a thousand who come at once are told in a few words, and above a hundred nobody is told of more', async () => {
  const { hubs, told, open, pass } = await startGateways(2);
  const { screen } = open(hubs[1]!);
  const all = Array.from({ length: 1_000 }, () => open(hubs[0]!));
  await pass(3_000);
  expect(shown(screen).at(-1)).toBe(100);
  const words = told.mock.calls.length;
  expect(words).toBeLessThanOrEqual(4);
  for (const { follow } of all.slice(0, 500)) follow.close();
  await pass(3_000);
  expect(told.mock.calls.length).toBe(words);
  expect(shown(screen).at(-1)).toBe(100);
});

test('a count that the store did not take is told again, and both are counted', async () => {
  fakeClock();
  const log = createMemoryRunLog();
  vi.spyOn(log, 'notePresence').mockRejectedValueOnce(new Error('away'));
  const registry = createMetrics('gateway', { processMetrics: false });
  const hub = createHub({ runLog: log, metrics: gatewayMetrics(registry), random: () => 0.5 });
  onTestFinished(() => hub.close());
  await log.beginRun({ conversationId: C, userId: 'ann', runId: 'r', model: 'm', title: 't', message: { messageId: 'm', text: 'x' } });
  hub.follow({ conversationId: C, userId: 'ann', cursor: null, sink: new Screen(C) });
  await vi.advanceTimersByTimeAsync(4_000);
  const text = await registry.text();
  for (const outcome of ['ok', 'failed']) expect(text).toMatch(new RegExp(`presence_writes_total\\{outcome="${outcome}"[^}]*\\} 1`));
});
