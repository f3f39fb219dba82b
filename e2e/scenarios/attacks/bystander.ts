import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { call } from '../../harness/commands.ts';
import type { Pod } from '../../harness/pod.ts';
import type { Stage } from '../../harness/stage.ts';
import { elapse, waitFor } from '../../harness/wait.ts';

/** What must hold on a busy machine, with answers of 7 MiB; the chart's 384 MiB hold for all attacks but those on such answers. */
const MEMORY_LIMIT = 512 * 2 ** 20;
/** P-7 promises 50 ms for 99 of 100, which is told; attacker and attacked share a machine here, so what must hold is wider. */
const MOST_ADDED_S = 0.5;
const MUST_HOLD = 0.9;

/** Default budgets, in a process whose heap is as small as a pod's. */
export const SMALL = {
  gateways: 1,
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

/** Somebody who reads an answer and asks now and then; what an attack may not touch. */
const standBy = async (gateway: Pod) => {
  const conversationId = `bob-${randomUUID().slice(0, 8)}`;
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/ws/chat?user_id=bob`, { perMessageDeflate: false });
  let chunks = 0;
  let closed = false;
  socket.on('close', () => (closed = true));
  socket.on('message', (data: Buffer) => {
    if ((JSON.parse(data.toString()) as { type: string }).type === 'chunk') chunks++;
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.send(JSON.stringify({ type: 'hello', protocol: 1 }));
  socket.send(JSON.stringify({ type: 'follow', conversationId }));
  const ask = (text: string, id = `${conversationId}-${randomUUID().slice(0, 8)}`) =>
    call('POST', `${gateway.url}/api/chat?user_id=bob`, { conversationId: id, messageId: randomUUID(), text });
  if ((await ask('count 100000 at 50', conversationId)).status !== 202) throw new Error('the bystander could not ask');
  await waitFor(() => chunks > 5, { deadlineMs: 10_000, what: 'chunks of the bystander' });
  return { socket, chunks: () => chunks, ask, closed: () => closed, conversationId };
};

/** Runs an attack beside a bystander: the process lives within a pod's memory, and the bystander reads on and may ask. */
export const survive = async (stage: Stage, attack: (gateway: Pod) => Promise<void>): Promise<void> => {
  const gateway = stage.cluster.gateways[0]!;
  const { pid } = gateway;
  const bob = await standBy(gateway);
  let peak = 0;
  const sampling = setInterval(() => {
    if (gateway.alive) peak = Math.max(peak, gateway.memoryBytes());
  }, 50);
  const before = await bucketsOf(gateway);
  try {
    await attack(gateway);
    const asked = performance.now();
    const answer = await bob.ask('count 3');
    const askMs = Math.round(performance.now() - asked);
    const after = await bucketsOf(gateway);
    const [p99, most] = [boundOf(0.99, before, after), boundOf(MUST_HOLD, before, after)];
    const read = bob.chunks();
    await waitFor(() => bob.chunks() > read + 10, { deadlineMs: 5_000, what: 'the bystander reads on' });
    stage.note(
      `peak ${Math.round(peak / 2 ** 20)} MiB; others' chunks: p99 within ${p99 * 1000} ms; a prompt took ${askMs} ms (${answer.status})`,
    );
    if (!gateway.alive || gateway.pid !== pid) throw new Error('the gateway died');
    if (bob.closed()) throw new Error('the bystander was cut off');
    if (answer.status !== 202) throw new Error(`the bystander may not ask: ${answer.status} ${answer.code ?? ''}`);
    if (most > MOST_ADDED_S) throw new Error(`P-8: others' chunks waited ${most * 1000} ms`);
    if (peak > MEMORY_LIMIT) throw new Error(`the gateway took ${Math.round(peak / 2 ** 20)} MiB`);
  } finally {
    clearInterval(sampling);
    bob.socket.terminate();
    await elapse(0);
  }
};
