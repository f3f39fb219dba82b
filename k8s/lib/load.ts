import { randomUUID } from 'node:crypto';
import { Expected, WsViewer, createRandom, elapse, prompt, waitFor } from '@runnel/e2e';

const VIEWERS = 2;
const WORDS = 300;
const WORDS_A_SECOND = 20;
const SAMPLE_MS = 25;
/** A run's own length, a takeover and a drain, and a machine that has other things to do. */
const RUN_DEADLINE_MS = 90_000;

export interface LoadReport {
  runs: number;
  reconnects: number;
  moves: number;
  /** The longest silence each viewer of a running answer saw, ms. */
  pauses: number[];
  problems: string[];
}

export interface Load {
  /** Answers that are running now. */
  live(): number;
  /** Lets what runs finish and tells what was seen. */
  stop(): Promise<LoadReport>;
}

/** Conversations that go on until they are told to stop: each answer has two viewers that check every byte and the hash. */
export const startLoad = (origin: () => string, conversations: number): Load => {
  const report: LoadReport = { runs: 0, reconnects: 0, moves: 0, pauses: [], problems: [] };
  const random = createRandom(1);
  let stopping = false;
  let live = 0;

  const converse = async (worker: number): Promise<void> => {
    const conversationId = `k8s-${randomUUID().slice(0, 13)}`;
    const ids = { messageId: randomUUID(), runId: randomUUID() };
    const expected = new Expected();
    expected.add({ conversationId, ...ids, words: WORDS, endings: ['complete'] });
    const userId = `k8s-${worker}`;
    const viewers = Array.from(
      { length: VIEWERS },
      (_, i) => new WsViewer({ name: `viewer ${worker}.${i}`, conversationId, userId, origin, random: random.fork(), expected }),
    );
    const watched = viewers.map((viewer) => watchPauses(viewer));
    try {
      const answer = await prompt(origin, { conversationId, userId, text: `count ${WORDS} at ${WORDS_A_SECOND}`, ...ids }, 30_000);
      if (answer.status !== 202) throw new Error(`the prompt was answered ${answer.status} ${answer.code}`);
      live++;
      const seen = viewers.map(({ screen }) => screen.until(() => screen.finished.has(ids.runId), RUN_DEADLINE_MS, 'the end'));
      await Promise.all(seen).finally(() => live--);
    } catch (error) {
      const state = viewers.map(
        ({ screen, connects, errors }) => `${screen.phase} ${screen.offset} ${connects} ${JSON.stringify(errors.at(-1) ?? '')}`,
      );
      report.problems.push(`${conversationId}: ${(error as Error).message} (${state.join('; ')})`);
    } finally {
      report.runs++;
      report.pauses.push(...watched.map((stop) => stop()));
      for (const viewer of viewers) {
        report.reconnects += viewer.connects - 1;
        report.moves += viewer.screen.stats.moves;
        viewer.close();
      }
    }
  };

  const workers = Array.from({ length: conversations }, async (_, worker) => {
    while (!stopping) await converse(worker);
  });
  return {
    live: () => live,
    async stop() {
      stopping = true;
      await Promise.all(workers);
      return report;
    },
  };
};

/** Measures the longest time in which a running answer did not grow. Returns what ends it. */
const watchPauses = ({ screen }: WsViewer): (() => number) => {
  let longest = 0;
  let length = 0;
  let grewAt = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    const text = screen.run?.text.length ?? 0;
    if (screen.run !== null && length > 0 && text !== length) longest = Math.max(longest, now - grewAt);
    if (text !== length) grewAt = now;
    length = text;
  }, SAMPLE_MS);
  return () => {
    clearInterval(timer);
    return Math.round(longest);
  };
};

/** Resolves when so many answers run at once. */
export const underLoad = (load: Load, answers: number): Promise<unknown> =>
  waitFor(() => load.live() >= answers, { deadlineMs: 30_000, everyMs: 100, what: `${answers} live answers` });

/** Long enough for answers to start, move and end after a disturbance. */
export const settle = (): Promise<void> => elapse(3_000);
