import { randomUUID } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { call } from '../../harness/commands.ts';
import type { Pod } from '../../harness/processes/pod.ts';
import type { Stage } from '../../harness/stage.ts';
import { elapse, waitFor } from '../../harness/wait.ts';
import type { Lateness, ListenerWord } from './listener.ts';

/** Of the chart's 512 MiB for a gateway: what is left is for the people whom it serves meanwhile, and for the moment before a collection. */
const MEMORY_LIMIT = 384 * 2 ** 20;
/**
 * What 99 of 100 chunks of a reader on a thread of its own may be late by, or twice what it is without the attack: in the seconds before and
 * after it, and in the same seconds at a gateway that nobody attacks. P-7's 50 ms is asked for on a machine that does nothing else:
 * `ATTACKED_P99_MS=50 npm run e2e -- --only trust-attack`. Attacker and attacked share the machine: where even a timer in that idle thread comes
 * later than 15 ms, only the wide bound below holds.
 */
const P99_MS = Number(process.env['ATTACKED_P99_MS'] ?? 250);
const TIMES_QUIET = 2;
const MACHINE_HAS_TIME_MS = 15;
/** Of fewer, the 99th of a hundred is the latest one, and one late chunk is no rule. */
const ENOUGH_CHUNKS = 200;
/** As the gateway counts them, the attacker's chunks too. */
const MOST_ADDED_S = 0.5;
const MUST_HOLD = 0.9;
const QUIET_MS = 4_000;

/** Default budgets, in a process whose heap is as small as a pod's. */
export const SMALL = {
  // The second is attacked by nobody: what its reader of the same answer waits for, the machine, the model and the store are late by.
  gateways: 2,
  ai: 1,
  gatewayNodeArgs: ['--max-old-space-size=256'],
  gatewayEnv: {
    RATE_LIMIT_PER_MINUTE: '100',
    MAX_RUNS_PER_USER: '32',
    MAX_BYTES_PER_USER_DAY: String(64 * 2 ** 20),
    MAX_SOCKETS_PER_USER: '100',
    MAX_FOLLOWS_PER_USER: '2000',
    MAX_READS_PER_USER: '8',
    MAX_COMMANDS_PER_MINUTE: '1200',
  },
};

/** Chunks by the time from the model to the hand-over to sockets, as the gateway counts them: this process is busy attacking. */
const bucketsOf = async (gateway: Pod): Promise<Map<number, number>> => {
  const text = await (await fetch(`${gateway.internalUrl}/metrics`)).text();
  const lines = text.matchAll(/^runnel_gateway_chunk_added_seconds_bucket\{.*le="([^"]+)".*\} (\d+)/gm);
  return new Map(Array.from(lines, ([, le, count]) => [le === '+Inf' ? Infinity : Number(le), Number(count)]));
};

/** The bound below which this share lies of what was counted between two looks. */
const boundOf = (share: number, before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number => {
  const counts = [...after].map(([le, count]) => [le, count - (before.get(le) ?? 0)] as const);
  const all = counts.at(-1)?.[1] ?? 0;
  return counts.find(([, count]) => count >= all * share)?.[0] ?? Infinity;
};

/** A reader of a conversation at one gateway, with a thread of its own. */
const listen = async (gateway: Pod, conversationId: string) => {
  const url = `${gateway.url.replace('http', 'ws')}/ws/chat?user_id=bob`;
  const reader = new Worker(new URL('./listener.ts', import.meta.url), { workerData: { url, conversationId } });
  let [follows, closed] = [false, false];
  let told: ((late: Lateness) => void) | undefined;
  reader.on('message', (said: ListenerWord) => {
    if (said.word === 'follows') follows = true;
    else if (said.word === 'closed') closed = true;
    else told?.(said);
  });
  await waitFor(() => follows, { deadlineMs: 10_000, what: 'the bystander to follow' });
  /** Of the chunks since it was called before. */
  const lateness = (): Promise<Lateness> =>
    new Promise((resolve) => {
      told = resolve;
      reader.postMessage('how late?');
    });
  return { lateness, closed: () => closed, leave: () => reader.terminate() };
};

/** Somebody who reads an answer and asks now and then; what an attack may not touch. They read it at the other gateway, too. */
const standBy = async ([gateway, other]: readonly Pod[]) => {
  const conversationId = `bob-${randomUUID().slice(0, 8)}`;
  const ask = (text: string, id = `${conversationId}-${randomUUID().slice(0, 8)}`) =>
    call('POST', `${gateway!.url}/api/chat?user_id=bob`, { conversationId: id, messageId: randomUUID(), text });
  if ((await ask('count 100000 at 50', conversationId)).status !== 202) throw new Error('the bystander could not ask');
  const [here, elsewhere] = await Promise.all([listen(gateway!, conversationId), listen(other!, conversationId)]);
  const leave = () => Promise.all([here.leave(), elsewhere.leave()]);
  return { ask, lateness: here.lateness, elsewhere: elsewhere.lateness, closed: here.closed, leave };
};

/** Runs an attack beside a bystander: the process lives within its memory, and the bystander reads on in time and may ask. */
export const survive = async (stage: Stage, attack: (gateway: Pod) => Promise<void>, before?: (gateway: Pod) => Promise<void>) => {
  const gateway = stage.cluster.gateways[0]!;
  const { pid } = gateway;
  await before?.(gateway);
  const bob = await standBy(stage.cluster.gateways);
  let peak = 0;
  const sampling = setInterval(() => {
    if (gateway.alive) peak = Math.max(peak, gateway.memoryBytes());
  }, 50);
  try {
    await bob.lateness();
    await elapse(QUIET_MS);
    const [first] = await Promise.all([bob.lateness(), bob.elsewhere()]);
    const counted = await bucketsOf(gateway);
    await attack(gateway);
    const most = boundOf(MUST_HOLD, counted, await bucketsOf(gateway));
    const [attacked, spared] = await Promise.all([bob.lateness(), bob.elsewhere()]);
    const asked = performance.now();
    const answer = await bob.ask('count 3');
    const askMs = Math.round(performance.now() - asked);
    await bob.lateness();
    await elapse(QUIET_MS);
    const second = await bob.lateness();
    const quiet = Math.max(first.p99, second.p99, spared.p99);
    const allowed = Math.max(P99_MS, TIMES_QUIET * quiet);
    const isJudged = attacked.timerP99 <= MACHINE_HAS_TIME_MS && attacked.chunks >= ENOUGH_CHUNKS;
    stage.note(
      `peak ${Math.round(peak / 2 ** 20)} MiB; others' ${attacked.chunks} chunks: p99 ${attacked.p99} ms, at most ${attacked.most} ms ` +
        `(quiet: p99 ${first.p99} and ${second.p99} ms; of the same chunks at a gateway that nobody attacks: ${spared.p99} ms; an idle timer ${attacked.timerP99} ms${isJudged ? '' : ', so not judged'}); a prompt took ${askMs} ms (${answer.status})`,
    );
    if (!gateway.alive || gateway.pid !== pid) throw new Error('the gateway died');
    if (bob.closed()) throw new Error('the bystander was cut off');
    if (answer.status !== 202) throw new Error(`the bystander may not ask: ${answer.status} ${answer.code ?? ''}`);
    if (second.chunks === 0) throw new Error('the bystander does not read on');
    if (most > MOST_ADDED_S) throw new Error(`P-8: others' chunks waited ${most * 1000} ms`);
    if (isJudged && attacked.p99 > allowed) throw new Error(`P-7 P-8: others' chunks: p99 ${attacked.p99} ms, allowed ${allowed}`);
    if (peak > MEMORY_LIMIT) throw new Error(`the gateway took ${Math.round(peak / 2 ** 20)} MiB`);
  } finally {
    clearInterval(sampling);
    await bob.leave();
  }
};
