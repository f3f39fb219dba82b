import { connect } from 'node:net';
import type { Scenario } from '../harness/scenario.ts';
import type { Stage } from '../harness/stage.ts';
import { elapse, waitFor } from '../harness/wait.ts';
import { WsViewer } from '../harness/viewers/viewer.ts';

/** What a client may not send, as bytes. None of it may disturb anybody else. */
const nonsense = (stage: Stage): (string | Buffer)[] => [
  '',
  'not json',
  '[]',
  'null',
  '{"type":5}',
  '{"type":"constructor"}',
  '{"type":"prompt"}',
  '{"type":"follow","conversationId":"../../etc"}',
  `{"type":"follow","conversationId":"${'x'.repeat(65)}"}`,
  '{"type":"cancel","conversationId":"a","runId":{}}',
  '{"type":"prompt","conversationId":"a","messageId":"m","text":""}',
  `{"type":"prompt","conversationId":"a","messageId":"m","text":"${'y'.repeat(6_000)}"}`,
  `{"type":"follow","id":"${'i'.repeat(500)}","conversationId":"a","cursor":{"logId":"","offset":-1}}`,
  '{"a":'.repeat(2_000),
  '\ud800 lone surrogate',
  Buffer.from([0, 255, 254, 128]),
  JSON.stringify({ type: 'follow', conversationId: stage.newConversation(), cursor: { logId: 'zz', offset: 9e15 } }),
];

const storm = async (stage: Stage, rounds: number): Promise<number> => {
  let sent = 0;
  for (let i = 0; i < rounds; i++) {
    const victim = stage.newConversation();
    const viewer = new WsViewer({
      name: `bad-${i}`,
      conversationId: victim,
      userId: 'bad',
      origin: stage.origin,
      random: stage.random.fork(),
      expected: stage.expected,
    });
    await waitFor(() => viewer.nodes.length > 0, { deadlineMs: 5_000, what: 'a welcome' });
    for (const bytes of nonsense(stage)) {
      viewer.sendRaw(bytes);
      sent++;
    }
    if (stage.random.chance(0.3)) viewer.sendRaw('z'.repeat(200_000));
    await elapse(20);
    viewer.close();
    const raw = connect(Number(new URL(stage.origin()).port), '127.0.0.1', () =>
      raw.end('GET /ws/chat HTTP/1.1\r\nUpgrade: nonsense\r\n\r\n'),
    );
    raw.on('error', () => {}).setTimeout(1_000, () => raw.destroy());
  }
  return sent;
};

export const readerScenarios: Scenario[] = [
  {
    name: 'slow-and-stuck-readers',
    promise: 'P-1 P-2 P-8 W-14',
    deadlineMs: 45_000,
    run: async (stage) => {
      const conversationId = stage.newConversation();
      const healthy = [stage.watch(conversationId), stage.watchBySse(conversationId)];
      const slow = [stage.watch(conversationId), stage.watchBySse(conversationId)];
      const stuck = [stage.watch(conversationId), stage.watchBySse(conversationId)];
      await stage.live();
      const run = await stage.startRun({ conversationId, words: 3_000, rate: 300 });
      stuck.forEach((viewer) => viewer.stall());
      const stuttering = setInterval(() => {
        slow.forEach((viewer) => viewer.stall());
        setTimeout(() => slow.forEach((viewer) => viewer.unstall()), 20);
      }, 400);
      const from = performance.now();
      try {
        await Promise.all(healthy.map(({ screen }) => screen.until(() => screen.finished.has(run.runId), 20_000, 'the end')));
      } finally {
        clearInterval(stuttering);
      }
      const ms = performance.now() - from;
      stage.note(`the healthy ones ended after ${Math.round(ms)} ms of 10000`);
      if (ms > 12_000) throw new Error('P-8: slow readers slowed the others down');
      stuck.forEach((viewer) => viewer.unstall());
      await stage.settle();
    },
  },
  {
    name: 'stuck-reader-of-a-huge-answer',
    promise: 'P-1 P-2 P-8 W-14',
    cluster: { fakeModel: true, gateways: 1 },
    deadlineMs: 60_000,
    run: async (stage) => {
      const conversationId = stage.newConversation();
      const healthy = [stage.watch(conversationId), stage.watchBySse(conversationId)];
      const stuck = [stage.watch(conversationId, { silenceMs: 60_000 }), stage.watchBySse(conversationId)];
      await stage.live();
      // 6 MiB in 8 s: more than the kernel's buffers and the allowed 1 MiB hold together.
      const run = await stage.startRun({ conversationId, words: 800_000, rate: 100_000, fake: true });
      stuck.forEach((viewer) => viewer.stall());
      await Promise.all(healthy.map(({ screen }) => screen.until(() => screen.finished.has(run.runId), 40_000, 'the end')));
      stuck.forEach((viewer) => viewer.unstall());
      await stage.ended(run);
      const [ws, sse] = stuck as [ReturnType<Stage['watch']>, ReturnType<Stage['watchBySse']>];
      stage.note(
        `stuck ones: ws closed with ${ws.closeCodes.join() || 'nothing'}, ${ws.screen.stats.merged} merged; sse ${sse.connects} connections`,
      );
      await stage.settle();
    },
  },
  {
    name: 'stuck-readers-by-the-hundred',
    promise: 'P-1 P-2 P-8 W-14',
    cluster: { gateways: 1 },
    deadlineMs: 45_000,
    run: async (stage) => {
      const [gateway] = stage.cluster.gateways;
      const run0 = stage.newConversation();
      for (let i = 0; i < 100; i++) stage.watch(run0, { silenceMs: 60_000 }).stall();
      const healthy = stage.watch(run0);
      await stage.live([healthy]);
      const before = gateway!.memoryBytes();
      const run = await stage.startRun({ conversationId: run0, words: 5_000, rate: 1_000 });
      await healthy.screen.until(() => healthy.screen.finished.has(run.runId), 15_000, 'the end');
      const after = gateway!.memoryBytes();
      stage.note(`gateway grew by ${Math.round((after - before) / 2 ** 20)} MiB with 100 stuck readers of 5000 words`);
      stage.viewers.forEach((viewer) => viewer.unstall());
      await stage.settle();
    },
  },
  {
    name: 'bad-input-storm',
    promise: 'P-1 P-2 P-8',
    run: async (stage) => {
      const conversationId = stage.newConversation();
      stage.watch(conversationId);
      stage.watchBySse(conversationId);
      await stage.startRun({ conversationId, words: 500, rate: 100 });
      const sent = await storm(stage, 20);
      stage.note(`${sent} bad frames`);
      await stage.settle();
    },
  },
];
