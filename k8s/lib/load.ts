import { randomUUID } from 'node:crypto';
import { Expected, WsViewer, createRandom, elapse, prompt, waitFor } from '@runnel/e2e';

const SAMPLE_MS = 25;
/** A run's own length, a takeover and a drain, and a machine that has other things to do. */
const EXTRA_MS = 75_000;
const PROMPT_MS = 30_000;

export interface LoadPlan {
  /** Each has one answer at a time, and the next when that one has ended. */
  conversations: number;
  viewers: number;
  words: number;
  wordsASecond: number;
  /** The conversations begin within this time, not all in one moment. */
  rampMs?: number;
}

export interface LoadReport {
  runs: number;
  /** When a viewer connected anew, ms since the load began. */
  reconnects: number[];
  moves: number;
  /** The longest silence each viewer of a running answer saw, ms. */
  pauses: number[];
  /** Of the longest of all: when, and what that viewer had been through. */
  worst: string;
  problems: string[];
}

export interface Load {
  /** Answers that are running now. */
  live(): number;
  /** Milliseconds since it began, as in the report. */
  elapsed(): number;
  /** What was seen so far belongs to the beginning: pauses and reconnects are told from now on. */
  forget(): void;
  /** Lets what runs finish and tells what was seen. */
  stop(): Promise<LoadReport>;
}

/** Conversations that go on until they are told to stop; each viewer of an answer checks every byte and the hash. */
export const startLoad = (origin: () => string, plan: LoadPlan): Load => {
  const { conversations, viewers: viewersEach, words, wordsASecond, rampMs = 0 } = plan;
  const report: LoadReport = { runs: 0, reconnects: [], moves: 0, pauses: [], worst: '', problems: [] };
  const random = createRandom(1);
  const startedAt = performance.now();
  const elapsed = (): number => performance.now() - startedAt;
  const watches = new Set<Watch>();
  const sampler = setInterval(() => watches.forEach((watch) => watch.sample()), SAMPLE_MS);
  let stopping = false;
  let live = 0;

  const converse = async (worker: number): Promise<void> => {
    const conversationId = `k8s-${randomUUID().slice(0, 13)}`;
    const ids = { messageId: randomUUID(), runId: randomUUID() };
    const expected = new Expected();
    expected.add({ conversationId, ...ids, words, endings: ['complete'] });
    const userId = `k8s-${worker}`;
    const viewers = Array.from(
      { length: viewersEach },
      (_, i) => new WsViewer({ name: `viewer ${worker}.${i}`, conversationId, userId, origin, random: random.fork(), expected }),
    );
    const watched = viewers.map((viewer) => new Watch(viewer, elapsed, report.reconnects));
    for (const watch of watched) watches.add(watch);
    try {
      const answer = await prompt(origin, { conversationId, userId, text: `count ${words} at ${wordsASecond}`, ...ids }, PROMPT_MS);
      if (answer.status !== 202) throw new Error(`the prompt was answered ${answer.status} ${answer.code}`);
      live++;
      const deadlineMs = (words / wordsASecond) * 1_000 + EXTRA_MS;
      const seen = viewers.map(({ screen }) => screen.until(() => screen.finished.has(ids.runId), deadlineMs, 'the end'));
      await Promise.all(seen).finally(() => live--);
    } catch (error) {
      const state = viewers.map(
        ({ screen, connects, errors }) => `${screen.phase} ${screen.offset} ${connects} ${JSON.stringify(errors.at(-1) ?? '')}`,
      );
      report.problems.push(`${conversationId}: ${(error as Error).message} (${state.join('; ')})`);
    } finally {
      report.runs++;
      for (const watch of watched) watches.delete(watch);
      for (const { longest, story } of watched) {
        if (longest > Math.max(0, ...report.pauses)) report.worst = story;
        report.pauses.push(Math.round(longest));
      }
      for (const viewer of viewers) {
        report.moves += viewer.screen.stats.moves;
        viewer.close();
      }
    }
  };

  const workers = Array.from({ length: conversations }, async (_, worker) => {
    await elapse((worker / conversations) * rampMs);
    while (!stopping) await converse(worker);
  });
  return {
    live: () => live,
    elapsed,
    forget() {
      watches.forEach((watch) => watch.forget());
      for (const seen of [report.pauses, report.reconnects]) seen.length = 0;
      report.worst = '';
    },
    async stop() {
      stopping = true;
      await Promise.all(workers).finally(() => clearInterval(sampler));
      return report;
    },
  };
};

/** The longest time in which a running answer did not grow, and when its viewer came back. */
class Watch {
  longest = 0;
  story = '';
  #length = 0;
  #grewAt = 0;
  #connects = 1;
  readonly #viewer: WsViewer;
  readonly #elapsed: () => number;
  readonly #reconnects: number[];

  constructor(viewer: WsViewer, elapsed: () => number, reconnects: number[]) {
    this.#viewer = viewer;
    this.#elapsed = elapsed;
    this.#reconnects = reconnects;
  }

  forget(): void {
    this.longest = 0;
  }

  sample(): void {
    const { screen, connects } = this.#viewer;
    for (; this.#connects < connects; this.#connects++) this.#reconnects.push(Math.round(this.#elapsed()));
    const now = performance.now();
    const length = screen.run?.text.length ?? 0;
    if (length === this.#length) return;
    if (screen.run !== null && this.#length > 0 && now - this.#grewAt > this.longest) {
      this.longest = now - this.#grewAt;
      const { nodes, closeCodes } = this.#viewer;
      const end = Math.round(this.#elapsed());
      this.story = `until ${end} ms, nodes ${nodes.join(' ')}, closed with ${closeCodes.join(' ')}, ${screen.stats.moves} moves`;
    }
    this.#grewAt = now;
    this.#length = length;
  }
}

/** The value that this share of them does not exceed; 0 of none. */
export const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? 0;

/** Resolves when so many answers run at once. */
export const underLoad = (load: Load, answers: number, deadlineMs = 60_000): Promise<unknown> =>
  waitFor(() => load.live() >= answers, { deadlineMs, everyMs: 100, what: `${answers} live answers` });

/** Long enough for answers to start, move and end after a disturbance. */
export const settle = (): Promise<void> => elapse(3_000);
