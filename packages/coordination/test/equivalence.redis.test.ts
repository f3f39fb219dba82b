import { hash } from 'node:crypto';
import { closePart, isWaiting, PART_FIELDS, PART_STATES, type Part } from '@runnel/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RunLog } from '../src/run-log/run-log.ts';
import { createMemoryRunLog } from '../src/memory/run-log.ts';
import { useRedisLog } from './use-redis-log.ts';

const { log: stored } = await useRedisLog();

/** What one run of commands happens in: conversations of its own, so that one Redis serves all. */
interface Scene {
  log: RunLog;
  prefix: string;
}
interface Step {
  name: string;
  act(scene: Scene): Promise<unknown>;
}

/** One value most of the time, so that commands meet. */
const mostly = <T>(weight: number, usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

const conversation = mostly(9, 'c1', 'c2');
const user = mostly(9, 'ann', 'bob');
const run = mostly(2, 'r1', 'r2', 'r3');
const message = mostly(1, 'm1', 'm2', 'm3', 'r1');
const epoch = mostly(2, 1, 2, 3);
const owner = mostly(2, 'pod-a', 'pod-b');
/** Held for ever, or free again at once: no outcome depends on how fast the machine is. */
const leaseMs = fc.constantFrom(1_000_000, 1_000_000, 0);
const text = fc.oneof(
  fc.constantFrom('', 'a', 'ab', 'xin chào ', '😀', '\u2028"\\', '\ud83d'),
  fc.string({ unit: 'binary', maxLength: 5 }),
);
const MODELS: Record<string, boolean> = { count: true, story: false };
const USAGE = { promptTokens: 1, completionTokens: 1 };

const id = (scene: Scene, conversationId: string): string => `${scene.prefix}-${conversationId}`;

/** The parts a run has now. */
const partsHeld = async ({ log, prefix }: Scene, conversationId: string, runId: string): Promise<readonly Part[]> => {
  const state = await log.readState({ conversationId: id({ log, prefix }, conversationId) });
  return state.kind === 'snapshot' && state.run?.runId === runId ? (state.run.parts ?? []) : [];
};

/** The text a run stands at now, so that many steps fit; null when it does not run. */
const standing = async ({ log, prefix }: Scene, conversationId: string, runId: string): Promise<string | null> => {
  const state = await log.readState({ conversationId: id({ log, prefix }, conversationId) });
  return state.kind === 'snapshot' && state.run?.runId === runId ? state.run.text : null;
};

const step = <T extends unknown[]>(
  name: string,
  arbitraries: { [K in keyof T]: fc.Arbitrary<T[K]> },
  act: (scene: Scene, ...values: T) => Promise<unknown>,
): fc.Arbitrary<Step> =>
  fc.tuple(...arbitraries).map((values) => ({ name: `${name}(${JSON.stringify(values)})`, act: (scene) => act(scene, ...(values as T)) }));

const fileOf = (mediaType: string): Part => ({
  ...{ partId: 'f1', index: 0, at: 0, kind: 'file', state: 'done', fileId: 'f', name: '"ảnh"', mediaType, bytes: 3, sha256: 'a' },
  ...(mediaType === 'text/csv' && { tokens: 2 }),
});
const parent = fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.constantFrom(null, 'm1', 'm2', 'r1', 'r2'));
const steps: fc.Arbitrary<Step>[] = [
  step(
    'prompt',
    [
      conversation,
      user,
      run,
      message,
      parent,
      text,
      fc.constantFrom('count', 'story'),
      mostly<'proven' | 'unproven' | 'no'>(4, 'proven', 'unproven', 'no'),
      fc.constantFrom(undefined, 0, 1, 3, 2_000),
      fc.boolean(),
      fc.constantFrom(undefined, 'image/png', 'text/csv'),
      fc.boolean(),
    ],
    (scene, c, userId, runId, messageId, parentId, words, model, making, room, preset, mediaType, blind) =>
      scene.log.beginRun({
        conversationId: id(scene, c),
        userId,
        runId,
        model,
        message: { messageId, text: words, ...(mediaType && { parts: [fileOf(mediaType)] }) },
        title: 'T',
        making,
        blind,
        preset,
        ...(room !== undefined && { room }),
        seed: [{ messageId: 's1', role: 'user', text: words }],
        ...(parentId !== undefined && { parentId }),
      }),
  ),
  step('regenerate', [conversation, run, message, fc.constantFrom(undefined, 'r1', 'r2')], (scene, c, runId, parentId, continues) =>
    scene.log.beginRun({
      ...{ conversationId: id(scene, c), userId: 'ann', runId, model: 'count', message: null, title: 'T', parentId },
      ...(continues !== undefined && { continues }),
    }),
  ),
  step('claim', [conversation, run, owner, leaseMs, mostly(4, MODELS, { count: false }, {})], (scene, c, runId, pod, lease, models) =>
    scene.log.claimRun({ conversationId: id(scene, c), runId, owner: pod, leaseMs: lease, models }),
  ),
  step('append', [conversation, run, epoch, text, fc.constantFrom(0, 0, 0, 0, -1, 2)], async (scene, c, runId, held, words, off) => {
    const at = Math.max(0, Buffer.byteLength((await standing(scene, c, runId)) ?? '') + off);
    return scene.log.appendChunk({ conversationId: id(scene, c), runId, epoch: held, at, text: words, t: 1 });
  }),
  step('repeat', [conversation, run, epoch, fc.nat(5), fc.nat(5)], async (scene, c, runId, held, from, length) => {
    const bytes = Buffer.from((await standing(scene, c, runId)) ?? 'nothing');
    const words = bytes.subarray(from, from + length).toString();
    return scene.log.appendChunk({ conversationId: id(scene, c), runId, epoch: held, at: from, text: words, t: 1 });
  }),
  step(
    'end',
    [conversation, run, fc.option(epoch), fc.constantFrom('complete', 'cancelled', 'failed', 'interrupted'), fc.constantFrom(0, 0, 0, 1)],
    async (scene, c, runId, held, reason, off) => {
      const words = (await standing(scene, c, runId)) ?? '';
      const bytes = Buffer.byteLength(words) + off;
      return scene.log.endRun({
        conversationId: id(scene, c),
        runId,
        epoch: held,
        reason,
        bytes,
        sha256: hash('sha256', words, 'hex'),
        usage: USAGE,
        parts: (await partsHeld(scene, c, runId)).map((part) => ({ from: part.state, part: closePart(part, 'cancelled', 1) })),
      });
    },
  ),
  step(
    'put-part',
    [conversation, run, epoch, fc.nat(2), fc.constantFrom(...PART_STATES), fc.constantFrom('tool', 'reasoning', 'question'), fc.boolean()],
    async (scene, c, runId, epochHeld, pick, state, kind, isNew) => {
      const parts = await partsHeld(scene, c, runId);
      const known = isNew ? undefined : parts[pick];
      const made: Part = {
        partId: `p${parts.length}`,
        index: parts.length,
        at: 0,
        kind,
        state,
        ...(kind === 'question' && { text: 'which?' }),
      };
      const part = known ? { ...known, state, attempt: 1 } : made;
      const command = { conversationId: id(scene, c), runId, epoch: epochHeld, part, from: known?.state ?? null };
      return scene.log.putPart(command);
    },
  ),
  step(
    'part-chunk',
    [conversation, run, epoch, fc.nat(2), fc.constantFrom(...PART_FIELDS), text],
    async (scene, c, runId, e, pick, field, words) => {
      const part = (await partsHeld(scene, c, runId))[pick];
      if (part?.kind === 'question') return null;
      const where = part?.kind === 'tool' ? (field === 'text' ? 'input' : field) : 'text';
      const at = Buffer.byteLength(part?.[where] ?? '');
      return scene.log.appendPartChunk({
        conversationId: id(scene, c),
        runId,
        epoch: e,
        partId: part?.partId ?? 'none',
        field: where,
        at,
        text: words,
        t: 1,
      });
    },
  ),
  step('park', [conversation, run, epoch], async (scene, c, runId, e) => {
    const bytes = Buffer.byteLength((await standing(scene, c, runId)) ?? '');
    const partIds = (await partsHeld(scene, c, runId)).filter(isWaiting).map(({ partId }) => partId);
    if (partIds.length === 0) return null;
    return scene.log.parkRun({ conversationId: id(scene, c), runId, epoch: e, partIds, bytes });
  }),
  step('decide', [conversation, run, user, fc.nat(2), fc.boolean()], async (scene, c, runId, userId, pick, isOld) => {
    const [first] = await partsHeld(scene, c, runId);
    const expected = (await partsHeld(scene, c, runId))[pick] ?? first;
    if (!expected) return null;
    const part: Part = { ...expected, state: 'approved' };
    const read = isOld ? { ...expected, attempt: 7 } : expected;
    return scene.log.decidePart({ conversationId: id(scene, c), runId, userId, decision: 'approve', expected: read, part });
  }),
  step('switch', [conversation, run, epoch, fc.constantFrom('story', 'count'), fc.boolean()], (scene, c, runId, held, model, isCut) =>
    scene.log.switchModel({
      ...{ conversationId: id(scene, c), runId, epoch: held, model },
      ...(isCut && { trimmed: { messages: 1, tokens: 2 } }),
    }),
  ),
  step('cancel', [conversation, run, user], (scene, c, runId, userId) =>
    scene.log.cancelRun({ conversationId: id(scene, c), runId, userId }),
  ),
  step('renew', [conversation, run, epoch, owner], async (scene, c, runId, held, pod) => [
    ...(await scene.log.renewLeases(pod, 1_000_000, [{ conversationId: id(scene, c), runId, epoch: held }])),
  ]),
  step('release', [conversation, run, epoch], (scene, c, runId, held) =>
    scene.log.releaseRun({ conversationId: id(scene, c), runId, epoch: held }),
  ),
  step(
    'restore',
    [conversation, run, message, epoch, owner, text, fc.constantFrom('log-2', 'log-3')],
    (scene, c, runId, messageId, held, pod, words, newLogId) =>
      scene.log.restoreRun({
        conversationId: id(scene, c),
        runId,
        epoch: held,
        owner: pod,
        leaseMs: 1_000_000,
        newLogId,
        userId: 'ann',
        title: 'T',
        run: { runId, parentId: messageId, model: 'count', startedAt: 5 },
        text: words,
        messages: [{ messageId, parentId: null, role: 'user', text: 'asked', status: 'complete', createdAt: 1 }],
        parts: [{ partId: 'p0', index: 0, at: 0, kind: 'tool', state: 'waiting', name: 'n', input: words }],
      }),
  ),
  step(
    'restore-end',
    [
      conversation,
      run,
      message,
      epoch,
      user,
      text,
      fc.constantFrom('complete', 'cancelled', 'failed'),
      fc.constantFrom(5, 4_000_000_000_000),
    ],
    (scene, c, runId, messageId, held, userId, words, reason, startedAt) =>
      scene.log.restoreEnd({
        conversationId: id(scene, c),
        runId,
        epoch: held,
        newLogId: `log-end-${reason}`,
        userId,
        title: 'T',
        run: { runId, parentId: messageId, model: 'count', startedAt },
        reason,
        bytes: Buffer.byteLength(words),
        sha256: hash('sha256', words, 'hex'),
        text: words,
        messages: [{ messageId, parentId: null, role: 'user', text: 'asked', status: 'complete', createdAt: 1 }],
      }),
  ),
  step('delete-message', [conversation, user, message], (scene, c, userId, messageId) =>
    scene.log.deleteMessage({ conversationId: id(scene, c), userId, messageId }),
  ),
  step('merge-stored', [conversation, user, message, fc.boolean(), mostly(3, 1, 0)], (scene, c, userId, messageId, hasMore, count) =>
    scene.log.mergeStored({
      conversationId: id(scene, c),
      userId,
      title: 'Merged',
      messages: [{ messageId, parentId: null, role: 'user' as const, text: 'old', status: 'complete' as const, createdAt: 1 }].slice(
        0,
        count,
      ),
      hasMore,
    }),
  ),
  step(
    'fork',
    [conversation, user, message, text, mostly<'proven' | 'unproven' | 'no'>(4, 'proven', 'unproven', 'no'), fc.boolean()],
    (scene, c, userId, messageId, words, making, isLong) => {
      const asked = { messageId: 'm0', parentId: null, role: 'user' as const, text: words, status: 'complete' as const, createdAt: 1 };
      const parts = [fileOf('text/csv'), { ...fileOf('text/csv'), ...{ partId: 't', index: 1, kind: 'reasoning' as const, text: words } }];
      const answer = { ...asked, messageId, parentId: 'm0', role: 'assistant' as const, model: 'count', parts };
      const from = { conversationId: 'other', messageId };
      return scene.log.forkConversation({
        ...{ conversationId: id(scene, c), userId, title: 'Fork', from, making, system: words, ...(isLong && { model: 'story' }) },
        messages: isLong ? [asked, answer] : [asked],
      });
    },
  ),
  step('expel', [conversation, user, fc.boolean()], (scene, c, who, asOwner) =>
    scene.log.expel({ conversationId: id(scene, c), ...(asOwner ? { rightful: who } : { intruder: who }) }),
  ),
  step('delete-conversation', [conversation, user], (scene, c, userId) =>
    scene.log.deleteConversation({ conversationId: id(scene, c), userId }),
  ),
  step('title', [conversation, user, text], (scene, c, userId, title) =>
    scene.log.setTitle({ conversationId: id(scene, c), userId, title }),
  ),
  step(
    'propose title',
    [conversation, user, message, fc.constantFrom('T', 'Fork', 'x'), text],
    (scene, c, userId, runId, expected, title) =>
      scene.log.proposeTitle({ conversationId: id(scene, c), userId, runId, promptId: 'm1', expected, title, model: 'small' }),
  ),
  step('history', [conversation, fc.option(message), fc.integer({ min: 1, max: 3 })], (scene, c, before, limit) =>
    scene.log.readHistory({ conversationId: id(scene, c), userId: 'ann', limit, ...(before && { before }) }),
  ),
  step('tail', [conversation, fc.nat(12)], async (scene, c, offset) => {
    const state = await scene.log.readState({ conversationId: id(scene, c) });
    if (state.kind !== 'snapshot') return state;
    const again = await scene.log.readState({ conversationId: id(scene, c), userId: 'ann', cursor: { logId: state.logId, offset } });
    return again.kind === 'tail' ? { ...again, entries: again.entries.map((entry) => JSON.parse(entry.json) as unknown) } : again;
  }),
  step('free', [conversation], async (scene, _c) =>
    (await scene.log.findFreeRuns(1_000_000))
      .filter((free) => free.conversationId.startsWith(`${scene.prefix}-`))
      .map((free) => free.runId)
      .toSorted(),
  ),
];

/** Most stories are about a run that somebody has. */
const PRELUDE: Step[] = [
  {
    name: 'begin',
    act: ({ log, prefix }) =>
      log.beginRun({
        conversationId: `${prefix}-c1`,
        userId: 'ann',
        runId: 'r1',
        model: 'count',
        message: { messageId: 'm1', text: 'x' },
        title: 'T',
      }),
  },
  {
    name: 'take',
    act: ({ log, prefix }) =>
      log.claimRun({ conversationId: `${prefix}-c1`, runId: 'r1', owner: 'pod-a', leaseMs: 1_000_000, models: MODELS }),
  },
];

const CLOCK = new Set([
  'createdAt',
  'claimedAt',
  'startedAt',
  'endedAt',
  'requestedAt',
  'stoppedAt',
  'updatedAt',
  'durationMs',
  't',
  'logId',
]);

/** What the two may differ in: clocks and random ids. */
const comparable = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value ?? null, (key, inner: unknown) => (CLOCK.has(key) && inner !== undefined ? 0 : inner)));

let scenes = 0;

test('L-1 memory and Redis answer every sequence of commands alike', { timeout: 120_000 }, async () => {
  // Deletions end a story; they come, but not often.
  const weights = steps.map((arbitrary, index) => ({
    arbitrary,
    weight: [8, 2, 8, 12, 4, 6, 10, 6, 3, 4, 2, 3, 3, 2, 2, 1, 1, 1, 1, 2, 1][index] ?? 1,
  }));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(...weights), { minLength: 10, maxLength: 60, size: 'max' }), async (story) => {
      const prefix = `p${++scenes}`;
      const memory: Scene = { log: createMemoryRunLog(), prefix };
      const real: Scene = { log: stored, prefix };
      for (const { name, act } of [...PRELUDE, ...story]) {
        const [expected, got] = [await settled(act(memory)), await settled(act(real))];
        expect(comparable(got), name).toEqual(comparable(expected));
      }
      for (const c of ['c1', 'c2']) {
        const states = await Promise.all([memory, real].map((scene) => scene.log.readState({ conversationId: id(scene, c) })));
        expect(comparable(states[1])).toEqual(comparable(states[0]));
        for (const userId of ['ann', 'bob']) await stored.deleteConversation({ conversationId: id(real, c), userId, forget: true });
      }
    }),
    { numRuns: 500 },
  );
});

/** A refusal (malformed ids) is an answer too. */
const settled = async (answer: Promise<unknown>): Promise<unknown> => answer.catch((error: { code?: string }) => ({ refused: error.code }));
