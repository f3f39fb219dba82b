import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createMetrics, delay, silentLog } from '@runnel/kit';
import { createMemoryRunLog, type RunLog } from '@runnel/coordination';
import { DEFAULT_LIMITS, RunnelError } from '@runnel/protocol';
import { createAdmission } from '../budgets/admission.ts';
import { createPlaces } from '../budgets/places.ts';
import { createRefusals } from '../budgets/refusals.ts';
import { finishCancel } from './finish-cancel.ts';
import { createCommands, type OwnCommands } from './commands.ts';
import { gatewayMetrics } from '../metrics.ts';
import { createHub, type Hub } from '../follow/hub.ts';
import { TestOwner } from '../../testing/test-owner.ts';

const ann = { userId: 'ann' };
const prompt = { conversationId: 'c1', messageId: 'm1', runId: 'r1', text: ' Xin chào \n dòng hai' };
const metrics = gatewayMetrics(createMetrics('gateway', { processMetrics: false }));

let runLog: RunLog;
let hub: Hub;
let commands: OwnCommands;
const dispatched: unknown[] = [];
const budget = { takePrompt: vi.fn(async () => {}), giveBack: vi.fn(async () => {}), standing: async () => null };
const models = {
  list: async () => [],
  find: (id: string) => ({ id, name: id, provider: 'test', canContinue: true, ...(id === 'narrow' && { promptTokens: 0 }) }),
  resolve: async (model?: string) => {
    if (model === 'none') throw new RunnelError('model-unknown');
    return model ?? 'default';
  },
  close: () => {},
};
const dispatcher = {
  dispatch: async (run: unknown) => {
    dispatched.push(run);
    return 'accepted' as const;
  },
  close: () => {},
};
const make = (log: RunLog) => {
  runLog = log;
  hub = createHub({ runLog, metrics });
  const refusals = createRefusals(createMetrics('gateway', { processMetrics: false }));
  const places = createPlaces(runLog, 5);
  const admission = createAdmission({ runLog, rateLimits: budget, places, maxBytes: 1_000_000, refusals });
  commands = createCommands({ runLog, hub, dispatcher, models, files: null, admission, limits: DEFAULT_LIMITS, metrics, log: silentLog });
};

beforeEach(() => {
  dispatched.length = 0;
  vi.clearAllMocks();
  make(createMemoryRunLog());
});

describe('the model and its room', () => {
  afterEach(() => commands.settled());
  const end = async (runId: string, text: string) => {
    const [conversationId, owner, leaseMs] = ['c1', 'p', 1_000];
    const models = { narrow: true, wide: true, default: true };
    expect((await runLog.claimRun({ conversationId, runId, owner, leaseMs, models })).outcome).toBe('claimed');
    await runLog.appendChunk({ conversationId, runId, epoch: 1, at: 0, text, t: 1 });
    const sum = { bytes: text.length, sha256: 'x' };
    expect((await runLog.endRun({ conversationId, runId, epoch: 1, reason: 'complete', ...sum })).outcome).toBe('ended');
  };
  const running = async () => {
    const state = await runLog.readState({ conversationId: 'c1' });
    return state.kind === 'snapshot' ? state.run : null;
  };

  test('who names none gets that of the conversation, with its room; a model that is gone gives way to the default', async () => {
    await commands.prompt(ann, { ...prompt, model: 'narrow' });
    await end('r1', 'x');
    await commands.prompt(ann, { ...prompt, messageId: 'm2', runId: 'r2' });
    expect(await running()).toMatchObject({ model: 'narrow', trimmed: { messages: 2 } });
    await end('r2', 'x');
    await commands.prompt(ann, { ...prompt, messageId: 'm3', runId: 'r3', model: 'wide' });
    expect(await running()).not.toHaveProperty('trimmed');
    await end('r3', 'x');
    vi.spyOn(models, 'resolve').mockImplementation(async (model) => {
      if (model === 'wide') throw new RunnelError('model-unknown');
      return model ?? 'default';
    });
    await commands.regenerate(ann, { conversationId: 'c1', parentId: 'm3', runId: 'r4' });
    expect(await running()).toMatchObject({ model: 'default' });
    vi.restoreAllMocks();
  });

  test('a regenerate goes on from an answer to the same message, and from nothing else', async () => {
    await commands.prompt(ann, { ...prompt, model: 'wide' });
    await end('r1', 'cut');
    const again = { conversationId: 'c1', parentId: 'm1' };
    await expect(commands.regenerate(ann, { ...again, continues: 'm1' })).rejects.toMatchObject({ code: 'not-found' });
    await commands.regenerate(ann, { ...again, continues: 'r1', runId: 'r2' });
    expect(await running()).toMatchObject({ runId: 'r2', text: 'cut' });
  });
});

describe('prompt', () => {
  test('is stored trimmed, titled by its first line, answered, and only then dispatched', async () => {
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const answer = await commands.prompt({ ...ann, trace }, prompt);
    expect(answer).toEqual({ runId: 'r1', offset: 3, duplicate: false });
    expect(dispatched).toEqual([]);
    await commands.settled();
    expect(dispatched).toEqual([{ conversationId: 'c1', runId: 'r1' }]);
    expect(await runLog.readState({ conversationId: 'c1' })).toMatchObject({
      title: 'Xin chào',
      messages: [{ text: 'Xin chào \n dòng hai' }],
    });
  });

  test('W-4 twice is one run, and the second one costs nothing and is not dispatched again', async () => {
    await commands.prompt(ann, prompt);
    expect(await commands.prompt(ann, { ...prompt, runId: 'other' })).toEqual({ runId: 'r1', offset: 3, duplicate: true });
    await commands.settled();
    expect(budget.giveBack).toHaveBeenCalledTimes(1);
    expect(dispatched).toHaveLength(1);
  });

  test('refusals have the codes of the protocol', async () => {
    await commands.prompt(ann, prompt);
    const refused = async (command: object, caller = ann) =>
      commands
        .prompt(caller, { ...prompt, messageId: 'm2', runId: 'r2', ...command })
        .catch((error: unknown) => (error as RunnelError).code);
    expect(await refused({ text: ' ' })).toBe('empty');
    expect(await refused({ text: 'x'.repeat(5001) })).toBe('too-long');
    expect(await refused({ model: 'none' })).toBe('model-unknown');
    expect(await refused({ runId: 'm2' })).toBe('bad-frame');
    expect(await refused({})).toBe('busy');
    expect(await refused({}, { userId: 'bob' })).toBe('forbidden');
    await expect(commands.prompt(ann, { ...prompt, messageId: 'm2', runId: 'r2' })).rejects.toMatchObject({ runId: 'r1' });
  });

  test('what the service cannot do is given back; what is not theirs is paid for', async () => {
    await commands.prompt(ann, prompt);
    await commands.prompt({ userId: 'bob' }, { ...prompt, messageId: 'm2' }).catch(() => {});
    expect(budget.giveBack).not.toHaveBeenCalled();
    await commands.prompt(ann, { ...prompt, messageId: 'm2', runId: 'r2' }).catch(() => {});
    expect(budget.giveBack).toHaveBeenCalledTimes(1);
  });

  test('P-10 a store that never answers is unavailable within a second', async () => {
    make({ ...createMemoryRunLog(), beginRun: () => new Promise(() => {}), answering: () => false });
    const startedAt = performance.now();
    await expect(commands.prompt(ann, prompt)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });

  test('a store that answers others is worth waiting for', async () => {
    const log = createMemoryRunLog();
    make({ ...log, beginRun: async (command) => (await delay(1000), log.beginRun(command)) });
    expect(await commands.prompt(ann, prompt)).toMatchObject({ runId: 'r1' });
  });
});

describe('P-5 cancel', () => {
  const run = { conversationId: 'c1', runId: 'r1' };
  const frozen = async (text: string) => {
    await commands.prompt(ann, prompt);
    const owner = new TestOwner(runLog);
    await owner.claim(run);
    await owner.say('r1', text);
    await runLog.cancelRun({ ...run, userId: 'ann' });
  };
  const ended = async () => {
    const state = await runLog.readState({ conversationId: 'c1' });
    return state.kind === 'snapshot' ? state.messages.find((m) => m.messageId === 'r1') : undefined;
  };
  const deps = () => ({ runLog, hub, metrics, log: silentLog });

  test('an owner that ends its run in time is left to it', async () => {
    await frozen('text');
    await finishCancel(deps(), run, true, Promise.resolve(true));
    expect(await ended()).toBeUndefined();
  });

  test('otherwise the gateway ends it with the text that stands', async () => {
    await frozen('chữ đã có');
    await finishCancel(deps(), run, true, Promise.resolve(false));
    expect(await ended()).toMatchObject({ text: 'chữ đã có', status: 'cancelled' });
  });

  test('a store that fails for a moment is asked again', async () => {
    await frozen('text');
    let failures = 2;
    const flaky: RunLog = {
      ...runLog,
      readState: (query) => (failures-- > 0 ? Promise.reject(new RunnelError('unavailable')) : runLog.readState(query)),
    };
    await finishCancel({ ...deps(), runLog: flaky }, run, false, Promise.resolve(false));
    expect(await ended()).toMatchObject({ status: 'cancelled' });
  });

  test('a run that has ended meanwhile is left alone', async () => {
    await commands.prompt(ann, prompt);
    await commands.cancel(ann, run);
    await commands.settled();
    expect(await ended()).toMatchObject({ text: '', status: 'cancelled' });
    await finishCancel(deps(), run, false, Promise.resolve(false));
    expect(await commands.cancel(ann, run)).toEqual({ outcome: 'already-ended' });
  });
});

test('typing is only for who follows, and titles are one line', async () => {
  await commands.prompt(ann, prompt);
  await expect(commands.typing(ann, { conversationId: 'c1', active: true })).rejects.toMatchObject({ code: 'not-found' });
  expect(await commands.setTitle(ann, { conversationId: 'c1', title: ' new \n title ' })).toEqual({ offset: 4 });
  expect(await runLog.readState({ conversationId: 'c1' })).toMatchObject({ title: 'new title' });
  await expect(commands.setTitle({ userId: 'bob' }, { conversationId: 'c1', title: 'x' })).rejects.toMatchObject({ code: 'forbidden' });
  await expect(commands.deleteConversation({ userId: 'bob' }, { conversationId: 'c1' })).rejects.toMatchObject({ code: 'forbidden' });
  await commands.deleteConversation(ann, { conversationId: 'c1' });
  expect((await runLog.readState({ conversationId: 'c1' })).kind).toBe('none');
});
