import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHealth, createMetrics, loadConfig, silentLog, waitFor } from '@runnel/kit';
import type { Message } from '@runnel/protocol';
import { expect, onTestFinished } from 'vitest';
import { createStandalone, type StandaloneDeps } from '../src/app.ts';
import { configSpec } from '../src/config.ts';
import { chooseModels } from '../src/local-models.ts';

/** `npm start` in a folder, without a port until somebody asks for its address. */
export const startAll = async (dataDir: string, env: Record<string, string> = {}, means: Pick<StandaloneDeps, 'beforeTables'> = {}) => {
  const config = loadConfig(configSpec, { DATA_DIR: dataDir, ...env });
  const metrics = createMetrics('test', { processMetrics: false });
  const told = {
    config,
    models: config.models ?? chooseModels({}, []),
    env: {},
    log: silentLog,
    metrics,
    health: createHealth(),
    ...means,
  };
  const { gateway, closables } = await createStandalone(told);
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closed ??= (async () => {
      for (const closable of closables.toReversed()) await closable.close();
    })());
  onTestFinished(close);
  type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  const sendAs = (user: string, method: Method, path: string, sent: { headers?: Record<string, string>; payload?: Buffer | object } = {}) =>
    gateway.app.inject({ method, url: `${path}${path.includes('?') ? '&' : '?'}user_id=${encodeURIComponent(user)}`, ...sent });
  const inject = (method: Method, path: string, sent: Parameters<typeof sendAs>[3] = {}) => sendAs('ann', method, path, sent);
  const history = async (conversationId: string): Promise<Message[]> =>
    (await inject('GET', `/api/history/${conversationId}`)).json<{ messages: Message[] }>().messages;
  /** Asks, and waits for the end of the answer. */
  const ask = async (body: { conversationId: string } & Record<string, unknown>): Promise<void> => {
    const asked = await inject('POST', '/api/chat', { payload: body });
    expect(asked.statusCode).toBe(202);
    const { runId } = asked.json<{ runId: string }>();
    await waitFor(async () => (await history(body.conversationId)).some(({ messageId }) => messageId === runId), { deadlineMs: 8_000 });
  };
  const listen = (): Promise<string> => gateway.app.listen({ host: '127.0.0.1', port: 0 });
  return { sendAs, inject, history, ask, listen, close, metrics: () => metrics.text() };
};
export type Standalone = Awaited<ReturnType<typeof startAll>>;

export const newFolder = async (): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'runnel-standalone-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
};
