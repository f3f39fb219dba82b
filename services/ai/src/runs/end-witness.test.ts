import { createMemoryRunLog, type RunLog } from '@runnel/coordination';
import { MemoryStore } from '@runnel/coordination/testing';
import { createInnerToken, waitFor } from '@runnel/kit';
import { RunnelError, type Message } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import type { ChatProvider } from '../models/provider.ts';
import { createFaultyRunLog } from '../../testing/faulty-run-log.ts';
import { countTo, modelsOf, prompt, startPod } from '../../testing/pods.ts';
import { createStoredEnds } from './stored-ends.ts';

/** A model that never says the same twice, and counts how often it was asked. */
const restlessModel = () => {
  let asked = 0;
  const provider: ChatProvider = {
    canContinue: true,
    async *stream() {
      const version = ++asked;
      for (let word = 1; word <= 5; word++) yield { text: `v${version}w${word} ` };
    },
  };
  return { models: modelsOf({ count: provider }), asked: () => asked };
};

const storeOf = () => {
  const store = new MemoryStore(Date.now, 1_000);
  return { store, runLog: createMemoryRunLog({ store }) };
};

const shown = async (runLog: RunLog, runId: string) => {
  const read = await runLog.readState({ conversationId: 'c' });
  return read.kind === 'snapshot' ? read.messages.find(({ messageId }) => messageId === runId) : undefined;
};
const ended = (runLog: RunLog, runId: string) => waitFor(() => shown(runLog, runId));

/** The ways a store can be older than the end: the run waits, or has an owner who will never come back to it. */
const COPIES = ['queued', 'claimed'] as const;

describe('B4 the store goes back behind an end', () => {
  test.each(COPIES)('%s: the pod that wrote it writes it again, and the model is not asked again', async (when) => {
    const { store, runLog } = storeOf();
    const { models, asked } = restlessModel();
    const run = await prompt(runLog, 'hello');
    if (when === 'claimed') await runLog.claimRun({ ...run, owner: 'copy', leaseMs: 1, models: { count: true } });
    const older = store.copy();
    // Its own sweep must find it, or the other's question.
    const [first, second] = [await startPod('a', runLog, { models }), await startPod('b', runLog, { models })];
    const { text } = await ended(runLog, run.runId);
    const { logId } = (await runLog.readState({ conversationId: 'c' })) as { logId: string };
    const before = asked();
    // A queue that is two seconds old asks too; the copy says when it began to wait.
    for (const copied of older.runs.values()) if (copied.queuedAt !== null) copied.queuedAt -= 3_000;
    store.goBack(older);
    expect(await shown(runLog, run.runId)).toBeUndefined();
    expect(await ended(runLog, run.runId)).toMatchObject({ text, status: 'complete' });
    expect(await runLog.readState({ conversationId: 'c' })).not.toMatchObject({ logId });
    await waitFor(() => first.size + second.size === 0);
    expect(asked()).toBe(before);
    expect(`${await first.metricsText()}${await second.metricsText()}`).toContain(
      'runnel_ai_end_repairs_total{outcome="restored",service="ai"} 1',
    );
  });

  test('another server answers: whoever ended an answer writes it again before anybody may claim it, also what left no trace', async () => {
    const { store, runLog } = storeOf();
    const { models, asked } = restlessModel();
    const pods = [await startPod('a', runLog, { models }), await startPod('b', runLog, { models })];
    const kept = await prompt(runLog, 'first', { conversationId: 'c' });
    await ended(runLog, kept.runId);
    const older = store.copy();
    const lost = await prompt(runLog, 'second', { conversationId: 'c' });
    const { text } = await ended(runLog, lost.runId);
    const before = asked();
    store.goBack(older);
    store.raise();
    expect(await ended(runLog, lost.runId)).toMatchObject({ text, status: 'complete' });
    const read = await runLog.readState({ conversationId: 'c' });
    expect(read.kind === 'snapshot' && read.messages).toMatchObject([
      { text: 'first' },
      { messageId: kept.runId },
      { text: 'second' },
      { text },
    ]);
    await waitFor(() => pods.every(({ size }) => size === 0));
    expect(asked()).toBe(before);
  });

  test.each(['message', 'answer', 'conversation'])(
    'what was deleted, a %s, does not come back with the end of its answer',
    async (what) => {
      const { store, runLog } = storeOf();
      const { models, asked } = restlessModel();
      const nothing = store.copy();
      await startPod('a', runLog, { models });
      const secret = await prompt(runLog, 'a secret');
      await ended(runLog, secret.runId);
      const marker = await prompt(runLog, 'marker', { conversationId: 'marker' });
      const markerOf = async (): Promise<boolean> => {
        const read = await runLog.readState({ conversationId: 'marker' });
        return read.kind === 'snapshot' && read.messages.some(({ messageId }) => messageId === marker.runId);
      };
      await waitFor(markerOf);
      const before = await runLog.readState({ conversationId: 'c' });
      const question = before.kind === 'snapshot' ? before.messages[0]!.messageId : '';
      const messageId = what === 'answer' ? secret.runId : question;
      const deleted = { conversationId: 'c', userId: 'user' };
      await (what === 'conversation' ? runLog.deleteConversation(deleted) : runLog.deleteMessage({ ...deleted, messageId }));
      await new Promise((heard) => setImmediate(heard));
      store.goBack(nothing);
      store.raise();
      // Ends are written again in their order.
      await waitFor(markerOf);
      const read = await runLog.readState({ conversationId: 'c' });
      const texts = read.kind === 'snapshot' ? read.messages.map(({ text }) => text) : null;
      const { text } = before.kind === 'snapshot' ? before.messages[1]! : { text: '' };
      expect(texts).toEqual({ message: ['', text], answer: ['a secret', ''], conversation: null }[what]);
      expect(asked()).toBe(2);
    },
  );

  test('nobody who may have ended it lives: the text that stands ends `interrupted`, and no model is asked', async () => {
    const { store, runLog } = storeOf();
    const { models, asked } = restlessModel();
    const run = await prompt(runLog, 'hello');
    await runLog.claimRun({ ...run, owner: 'dead', leaseMs: 60_000, models: { count: true } });
    await runLog.appendChunk({ ...run, epoch: 1, at: 0, text: 'as far as the copy has it', t: 1 });
    store.raise();
    await startPod('a', runLog, { models });
    expect(await ended(runLog, run.runId)).toMatchObject({ text: 'as far as the copy has it', status: 'interrupted' });
    expect(asked()).toBe(0);
  });

  test('P-1 an owner that lives goes on after the change, and its death after that is like any other', async () => {
    const { store, runLog } = storeOf();
    const dying = createFaultyRunLog(runLog);
    const run = await prompt(runLog, 'count 150 at 50');
    const pod = await startPod('a', dying);
    await waitFor(() => pod.size === 1);
    store.raise();
    const changedAt = Date.now();
    // Renewed a second and more after the change: by somebody who lives.
    await waitFor(() => (store.runOf('c', run.runId)?.expires ?? 0) > changedAt + 1_200);
    dying.fault = 'down';
    await startPod('b', runLog);
    expect(await ended(runLog, run.runId)).toMatchObject({ text: countTo(150), status: 'complete' });
    dying.fault = 'none';
  });

  /** A pod that reads and hears, and whose writes come late: all that the store has of its answer is what it wrote before. */
  const lateOwner = (runLog: RunLog) => {
    const own = { late: false };
    const whenever = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
      return (...args: A): Promise<R> => (own.late ? Promise.reject(new RunnelError('unavailable')) : call(...args));
    };
    const { appendChunk, renewLeases, restoreRun, endRun } = runLog;
    const writes = { appendChunk, renewLeases, restoreRun, endRun };
    const guarded = Object.fromEntries(Object.entries(writes).map(([name, call]) => [name, whenever(call as () => Promise<unknown>)]));
    return Object.assign(own, { runLog: { ...runLog, ...guarded } });
  };

  test.each([
    ['claimed', 'count', { text: countTo(300), status: 'complete' }],
    ['queued', 'count', { text: countTo(300), status: 'complete' }],
    ['claimed', 'once', { status: 'interrupted' }],
  ] as const)(
    'an owner that needs more than four seconds (%s, %s): its text goes on elsewhere, said once',
    async (when, model, expected) => {
      const { store, runLog } = storeOf();
      const owner = lateOwner(runLog);
      let asked = 0;
      const provider: ChatProvider = {
        canContinue: model === 'count',
        async *stream({ prefix }, signal) {
          asked++;
          const whole = countTo(300);
          for (let at = prefix.length; at < whole.length && !signal.aborted; at += 8) {
            yield { text: whole.slice(at, at + 8) };
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        },
      };
      const models = modelsOf({ [model]: provider });
      const run = await prompt(runLog, 'hello', { model });
      const older = when === 'queued' ? store.copy() : undefined;
      await startPod('late', owner.runLog, { models });
      const words = async (): Promise<string> => store.runOf('c', run.runId)?.text ?? '';
      await waitFor(async () => (await words()).length > 80);
      owner.late = true;
      if (older) store.goBack(older);
      const copied = (await words()).length;
      store.raise();
      await startPod('b', runLog, { models });
      const answer = await waitFor(() => shown(runLog, run.runId), { deadlineMs: 20_000 });
      expect(answer).toMatchObject(expected);
      expect(countTo(300).startsWith(answer.text)).toBe(true);
      // Seconds of text were only with its owner.
      expect(answer.text.length).toBeGreaterThan(copied + 200);
      expect(asked).toBe(model === 'count' ? 2 : 1);
    },
    30_000,
  );

  test('a pod that knows nothing asks the others before it asks the model', async () => {
    const { store, runLog } = storeOf();
    const { models, asked } = restlessModel();
    const witness = await startPod('witness', runLog, { models });
    const run = await prompt(runLog, 'hello');
    await runLog.claimRun({ ...run, owner: 'copy', leaseMs: 1, models: { count: true } });
    const older = store.copy();
    const { text } = await ended(runLog, run.runId);
    const before = asked();
    const newcomer = await startPod('newcomer', runLog, { models });
    store.goBack(older);
    await newcomer.take(run);
    expect(await ended(runLog, run.runId)).toMatchObject({ text });
    await waitFor(() => newcomer.size + witness.size === 0);
    expect(asked()).toBe(before);
  });

  test('a cancelled answer stays as it was cut', async () => {
    const { store, runLog } = storeOf();
    const run = await prompt(runLog, 'count 100 at 50');
    const older = store.copy();
    const pod = await startPod('a', runLog);
    await waitFor(async () => {
      const read = await runLog.readState({ conversationId: 'c' });
      return read.kind === 'snapshot' && (read.run?.text.length ?? 0) > 20;
    });
    await runLog.cancelRun({ ...run, userId: 'user' });
    const { text, status } = await ended(runLog, run.runId);
    expect(status).toBe('cancelled');
    await waitFor(() => pod.size === 0);
    store.goBack(older);
    expect(await ended(runLog, run.runId)).toMatchObject({ text, status });
  });

  /** A copy whose owner died, in a store that changed (`lost`) or did not, and a database that has its end. */
  const inDatabase = async (doubt: 'lost' | 'stale') => {
    const { store, runLog } = storeOf();
    const run = await prompt(runLog, 'hello');
    const claim = await runLog.claimRun({ ...run, owner: 'dead', leaseMs: 1, models: { count: true } });
    if (claim.outcome !== 'claimed') throw new Error(claim.outcome);
    const half = 'as far as the copy has it';
    if (doubt === 'lost') await runLog.appendChunk({ ...run, epoch: 1, at: 0, text: half, t: 1 });
    if (doubt === 'lost') store.raise();
    const requests: string[] = [];
    const { parentId, startedAt } = claim.run;
    const text = `${half}, and to its end`;
    const row: Message = { messageId: run.runId, parentId, role: 'assistant', text, status: 'complete', createdAt: startedAt };
    const fetch = async (url: string | URL | Request) => (requests.push(String(url)), Response.json({ messages: [row], hasMore: false }));
    const token = createInnerToken({ given: 'a-token-between-services' });
    return { runLog, run, text, requests, archive: createStoredEnds({ url: 'http://audit:1', token, fetch }) };
  };

  test('what only the database knows is written again from there, and not ended as the copy has it', async () => {
    const { runLog, run, text, requests, archive } = await inDatabase('lost');
    const { models, asked } = restlessModel();
    const pod = await startPod('a', runLog, { models, archive });
    expect(await ended(runLog, run.runId)).toMatchObject({ text, status: 'complete' });
    expect([asked(), requests.length]).toEqual([0, 1]);
    expect(await pod.metricsText()).toContain('runnel_ai_end_repairs_total{outcome="stored",service="ai"} 1');
  });

  test('P-4 a takeover in a store that did not change asks no database', async () => {
    const { runLog, run, requests, archive } = await inDatabase('stale');
    const { models, asked } = restlessModel();
    const pod = await startPod('a', runLog, { models, archive });
    expect(await ended(runLog, run.runId)).toMatchObject({ status: 'complete' });
    expect([asked(), requests.length]).toEqual([1, 0]);
    expect(await pod.metricsText()).toContain('runnel_ai_end_repairs_total{outcome="stored",service="ai"} 0');
  });

  test('while the database does not answer, the text that stands ends `interrupted`', async () => {
    const { runLog, run } = await inDatabase('lost');
    const { models, asked } = restlessModel();
    await startPod('a', runLog, { models, archive: () => Promise.reject(new Error('away')) });
    expect(await ended(runLog, run.runId)).toMatchObject({ text: 'as far as the copy has it', status: 'interrupted' });
    expect(asked()).toBe(0);
  });
});
