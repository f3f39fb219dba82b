import { randomUUID } from 'node:crypto';
import type { TestRedis } from '@runnel/coordination/testing';
import { startCluster, type Cluster, type ClusterOptions } from './processes/cluster.ts';
import { prompt } from './commands.ts';
import { accentText, countText, Expected, type ExpectedRun } from './viewers/expected.ts';
import { checkCluster, checkViewers } from './viewers/invariants.ts';
import type { Pod } from './processes/pod.ts';
import type { Random } from './random.ts';
import type { Redis } from './processes/redis-target.ts';
import { SseViewer } from './viewers/sse-viewer.ts';
import { WsViewer, type Viewer, type ViewerOptions } from './viewers/viewer.ts';
import { waitFor } from './wait.ts';

export interface StartRun {
  words?: number;
  /** Words a second. */
  rate?: number;
  /** `fail 200` or `hang 200`. */
  fault?: string;
  /** Tools it calls after its words; then it counts as many again. */
  use?: readonly string[];
  endings?: readonly string[];
  conversationId?: string;
  via?: Pod;
  /** Asks the fake model instead of counting; `accents`: words of many bytes. */
  fake?: boolean | 'accents';
  /** Instead of the first of the list. */
  model?: string;
}

export interface WatchOptions extends Pick<ViewerOptions, 'silenceMs' | 'lingers'> {
  at?: Pod;
  first?: Pod;
}

/** What every scenario needs: a cluster, viewers, counted runs, and the laws checked over all of them at the end. */
export class Stage {
  readonly cluster: Cluster;
  readonly random: Random;
  readonly userId = 'e2e';
  readonly expected = new Expected();
  readonly viewers: Viewer[] = [];
  readonly #log: (line: string) => void;
  #turn = 0;
  #redis: Pick<Redis, 'cli'>;

  constructor(cluster: Cluster, random: Random, log: (line: string) => void) {
    this.cluster = cluster;
    this.#redis = cluster.redis;
    this.random = random;
    this.#log = log;
  }

  /** A figure or a step worth reading afterwards. */
  note(line: string): void {
    this.#log(line);
  }

  newConversation(): string {
    return `e2e-${randomUUID().slice(0, 13)}`;
  }

  /** A balancer's address, or how it chooses one: clients connect to it instead of to the gateways. */
  entry: string | (() => string) | null = null;

  /** Round-robin over the gateways that are up, as the ingress does it. */
  readonly origin = (): string => {
    if (this.entry !== null) return typeof this.entry === 'string' ? this.entry : this.entry();
    const live = this.cluster.liveGateways();
    const pods = live.length > 0 ? live : this.cluster.gateways;
    return pods[this.#turn++ % pods.length]!.url;
  };

  /** `at`: always at this pod; `first`: at this one as long as it is up. */
  watch(conversationId: string, options: WatchOptions = {}): WsViewer {
    return this.#watch(conversationId, 'ws', options) as WsViewer;
  }
  watchBySse(conversationId: string, options: { at?: Pod } = {}): SseViewer {
    return this.#watch(conversationId, 'sse', options) as SseViewer;
  }

  #watch(conversationId: string, transport: 'ws' | 'sse', { at, first, ...rest }: WatchOptions): Viewer {
    const options: ViewerOptions = {
      name: `${transport}-${this.viewers.length}`,
      conversationId,
      userId: this.userId,
      origin: at ? () => at.url : () => (first?.alive ? first.url : this.origin()),
      random: this.random.fork(),
      expected: this.expected,
      ...rest,
    };
    const viewer = transport === 'ws' ? new WsViewer(options) : new SseViewer(options);
    this.viewers.push(viewer);
    return viewer;
  }

  /** Starts a counted run over HTTP and expects it to be accepted. */
  async startRun(options: StartRun = {}): Promise<ExpectedRun> {
    const {
      words = 200,
      rate = 100,
      fault = '',
      use = [],
      endings = ['complete'],
      conversationId = this.newConversation(),
      via,
      fake = false,
      model,
    } = options;
    const ids = { messageId: randomUUID(), runId: randomUUID() };
    // Known before it is asked for: its first words may arrive before the answer does.
    const counted = use.length > 0 ? words * 2 : words;
    const full = fake === 'accents' ? accentText(words) : countText(counted);
    const run = this.expected.add({ conversationId, ...ids, words: counted, full, endings });
    const text = fake
      ? `say ${words} ${fake === 'accents' ? 'accents' : 'words'} at ${rate}`
      : `count ${words} at ${rate} ${fault} ${use.length > 0 ? `use ${use.join(' ')}` : ''}`.trim();
    const answer = await prompt(via ? () => via.url : this.origin, {
      conversationId,
      userId: this.userId,
      text,
      ...ids,
      ...(model && { model }),
    });
    if (answer.status !== 202) throw new Error(`the prompt was answered ${answer.status} ${answer.code}: ${answer.message}`);
    return run;
  }

  /** After a failover: where the truth is now. */
  useRedis(redis: Pick<Redis, 'cli'>): void {
    this.#redis = redis;
  }

  /** A replica becomes the master, which dies: everybody reaches it by the wire they had. */
  async promote(replica: TestRedis, master: TestRedis = this.cluster.redis.nodes[0]!): Promise<void> {
    await master.kill();
    await replica.cli('REPLICAOF', 'NO', 'ONE');
    this.useRedis(replica);
    for (const wire of this.cluster.wires.all) {
      wire.target = replica.port;
      wire.cut();
    }
  }

  /** The AI pod that holds the run now. */
  ownerOf(run: ExpectedRun): Promise<Pod> {
    const { ai } = this.cluster;
    return waitFor(
      async () => {
        const owner = String(await this.#redis.cli('EVAL', OWNER_OF, '0', run.conversationId));
        return ai.find((pod) => owner.includes(pod.name));
      },
      { deadlineMs: 30_000, what: `an owner of run ${run.runId}` },
    );
  }

  /** All of the run's viewers show at least so much of its text. */
  async shown(run: ExpectedRun, words: number, deadlineMs = 10_000): Promise<void> {
    const viewers = this.viewers.filter((viewer) => viewer.conversationId === run.conversationId);
    const bytes = words * 8 - 1;
    await Promise.all(
      viewers.map(({ screen }) => screen.until(() => (screen.textOf(run.runId)?.length ?? 0) >= bytes, deadlineMs, `${words} words`)),
    );
  }

  async live(viewers: readonly Viewer[] = this.viewers, deadlineMs = 10_000): Promise<void> {
    await Promise.all(viewers.map((viewer) => viewer.screen.until(() => viewer.screen.phase === 'live', deadlineMs, 'live')));
  }

  /** Every viewer of the run has seen its end. */
  async ended(run: ExpectedRun, deadlineMs = 15_000): Promise<void> {
    const viewers = this.viewers.filter((viewer) => viewer.conversationId === run.conversationId);
    await Promise.all(
      viewers.map(({ screen }) => screen.until(() => screen.finished.has(run.runId), deadlineMs, `the end of run ${run.runId}`)),
    );
  }

  /** P-1 and P-2 on every viewer, on a fresh reader of every gateway, and in the history; then nothing may be left over. */
  async settle({ deadlineMs = 20_000 } = {}): Promise<void> {
    await Promise.all([...this.expected.runs.values()].map((run) => this.ended(run, deadlineMs)));
    checkViewers(this.viewers, this.expected);
    await checkCluster(this);
    checkViewers(this.viewers, this.expected);
    this.closeViewers();
    await this.#nothingLeft();
  }

  /** The queues of runs in Redis that are not empty; '': nobody writes, and none waits. */
  async runsLeft(): Promise<string> {
    return String(await this.#redis.cli('EVAL', WAITING_RUNS, '0'));
  }

  closeViewers(): void {
    this.viewers.forEach((viewer) => viewer.close());
  }

  /** No lease, no queued run, no followed conversation outlives what it was for. */
  async #nothingLeft(): Promise<void> {
    const none = async (pod: Pod, metric: string): Promise<void> => {
      const value = await pod.metric(metric);
      if (value !== 0) throw new Error(`${pod.name}: ${metric} is ${value}`);
    };
    const gateways = (...what: string[]): Promise<unknown> =>
      Promise.all(this.cluster.liveGateways().flatMap((gateway) => what.map((each) => none(gateway, `runnel_gateway_${each}`))));
    await waitFor(
      async () => {
        const waiting = await this.runsLeft();
        if (waiting !== '') throw new Error(`left over: ${waiting}`);
        await gateways('sockets', 'follows');
        for (const pod of this.cluster.ai) if (pod.alive) await none(pod, 'runnel_ai_runs');
        return true;
      },
      { deadlineMs: 5_000, everyMs: 100, what: 'all runs, leases, sockets and follows to be gone' },
    );
    await waitFor(() => gateways('rooms').then(() => true), { deadlineMs: ROOMS_MS, everyMs: 100, what: 'all rooms to be gone' });
  }
}

/** A room outlives its last follower by two seconds. */
const ROOMS_MS = 5_000;

const OWNER_OF = `
local keys = redis.call('KEYS', 'session:owner:*:' .. ARGV[1])
return keys[1] and redis.call('HGET', keys[1], 'owner') or ''`;

/** The queues of runs that are not empty. */
const WAITING_RUNS = `
local left = {}
for _, pattern in ipairs({'runs:leases:*', 'runs:queued:*'}) do
  for _, key in ipairs(redis.call('KEYS', pattern)) do left[#left + 1] = key end
end
return table.concat(left, ' ')`;

export const createStage = async (options: ClusterOptions, random: Random, log: (line: string) => void): Promise<Stage> =>
  new Stage(await startCluster(options), random, log);
