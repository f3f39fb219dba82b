import { expect, test, vi } from 'vitest';
import type { EventBus } from '@runnel/events';
import { createMetrics, loadConfig, silentLog, waitFor } from '@runnel/kit';
import { auditMetrics } from '../metrics.ts';
import { configSpec } from '../config.ts';
import { startConsumers } from './consumers.ts';
import type { AuditTables } from '../audit-database.ts';

const never = <T>(): Promise<T> => new Promise<T>(() => {});
const start = (bus: Partial<EventBus>) =>
  startConsumers({
    bus: { lag: () => never(), ...bus } as EventBus,
    tables: {} as AuditTables,
    deadLetters: { put: async () => {}, list: async () => [], retry: async () => ({ stored: 0, left: 0 }) },
    metrics: auditMetrics(createMetrics('audit', { processMetrics: false })),
    config: loadConfig(configSpec, { DRAIN_SECONDS: '60' }),
    log: silentLog,
    onFatal: () => {},
  });

test('P-10 a Kafka that was never there does not hold the end', async () => {
  const ensureTopics = vi.fn(() => never<[]>());
  const consumers = start({ ensureTopics });
  await waitFor(() => ensureTopics.mock.calls.length === 2, { what: 'both groups wait for Kafka' });
  await consumers.close();
});

test('P-10 a consumer that comes to be after the end is ended', async () => {
  const arrived = Promise.withResolvers<{ stop(): Promise<void> }>();
  const consume = vi.fn(() => arrived.promise);
  const consumers = start({ ensureTopics: async () => [], consume });
  await waitFor(() => consume.mock.calls.length === 2, { what: 'both groups wait to be let in' });
  await consumers.close();
  const stop = vi.fn(async () => {});
  arrived.resolve({ stop });
  await waitFor(() => stop.mock.calls.length === 2, { what: 'both are ended' });
  expect(consume).toHaveBeenCalledTimes(2);
});
