/** The steps of `npm run test:k8s`; run by test.ts where the cluster's Services can be reached. One JSON line a step. */
import { call, elapse, waitFor } from '@runnel/e2e';
import { settle, startLoad, underLoad, type LoadReport } from './lib/load.ts';
import { release } from './lib/release.ts';

const CONVERSATIONS = 10;
const INSTALL_SECONDS = 90;
const PAUSE_P99_MS = 1_500;
/** A killed pod's answers wait for its lease (P-4). */
const KILL_PAUSE_MS = 4_000;

const app = release('runnel', 'runnel-test');
let failed = 0;

/** Runs one step and tells how it went; what follows a failed step is still tried, the report shows where it began. */
const step = async (name: string, run: () => Promise<string | void>): Promise<void> => {
  const startedAt = performance.now();
  const result = (rest: object): void => console.log(JSON.stringify({ name, ms: Math.round(performance.now() - startedAt), ...rest }));
  try {
    const note = await run();
    result({ ok: true, notes: note ? [note] : [] });
  } catch (error) {
    failed++;
    const { message, cause } = error as Error;
    result({ ok: false, error: cause instanceof Error ? `${message}\ncaused by ${cause.message}` : message });
  }
};

/** Disturbs the release while answers run; every viewer must show every byte in order. */
const disturb = (name: string, disturbance: () => Promise<unknown>, pauseMs = PAUSE_P99_MS): Promise<void> =>
  step(name, async () => {
    const load = startLoad(() => entry, CONVERSATIONS);
    let report: LoadReport;
    try {
      await underLoad(load, CONVERSATIONS);
      await disturbance();
      await settle();
    } finally {
      report = await load.stop();
    }
    if (report.problems.length > 0) throw new Error(report.problems.join('\n'));
    const pauses = report.pauses.toSorted((a, b) => a - b);
    const p99 = pauses[Math.ceil(pauses.length * 0.99) - 1] ?? 0;
    if (p99 > pauseMs) throw new Error(`a viewer waited ${p99} ms, more than ${pauseMs}; ${report.runs} answers were whole`);
    return `${report.runs} answers whole for ${report.pauses.length} viewers, ${report.reconnects} reconnects, ${report.moves} moves seen, longest pause p99 ${p99} ms`;
  });

const refused = async (what: Promise<unknown>, sentence: RegExp): Promise<void> => {
  const error = await what.then(
    () => new Error('it was accepted'),
    (error: Error) => error,
  );
  if (!sentence.test(error.message)) throw error;
};

const restart = async (component: string): Promise<void> => {
  await app.kubectl('rollout', 'restart', `deploy/runnel-${component}`);
  await app.rolledOut(component);
};

const kill = async (component: string): Promise<void> => {
  const [pod] = await app.pods(component);
  await app.kubectl('delete', pod!, '--grace-period=0', '--force');
  await app.rolledOut(component);
};

/** The node without the development Redis: its data goes with its pod. */
const drainNode = async (): Promise<void> => {
  const redisNode = `node/${await app.nodeOf('redis')}`;
  const node = (await app.nodes()).find((name) => name !== redisNode);
  if (node === undefined) throw new Error('this cluster has one node: give it two');
  await app.kubectl('drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=100s');
  await app.kubectl('uncordon', node);
};

const scale = async (component: string, replicas: number): Promise<void> => {
  await app.kubectl('scale', `deploy/runnel-${component}`, `--replicas=${replicas}`);
  await app.rolledOut(component);
};

let entry = '';
await app.createNamespace();
await step('install: ready within 90 s, under PSA restricted', async () => {
  const startedAt = performance.now();
  await app.install();
  const seconds = (performance.now() - startedAt) / 1_000;
  if (seconds > INSTALL_SECONDS) throw new Error(`took ${seconds.toFixed(0)} s`);
  entry = await app.exposeGateways();
  await waitFor(async () => (await call('GET', `${entry}/api/models`)).status === 200, { deadlineMs: 15_000, everyMs: 200, what: entry });
  return `ready after ${seconds.toFixed(1)} s`;
});
if (failed === 0) {
  await step('helm test: streams, cuts, resumes, compares hashes', async () => void (await app.test()));
  await step('a wrong value is refused', () => refused(app.upgrade('gateway.replica=3'), /replica/));
  await disturb('rolling update of the gateways', () => restart('gateway'));
  await disturb('rolling update of the AI pods', () => restart('ai'));
  await disturb('a gateway pod is killed', () => kill('gateway'));
  await disturb('an AI pod is killed', () => kill('ai'), KILL_PAUSE_MS);
  await disturb('scale up and down', async () => {
    await scale('ai', 3);
    await scale('gateway', 3);
    await elapse(2_000);
    await scale('ai', 2);
    await scale('gateway', 2);
  });
  await disturb('a node is drained against the disruption budgets', drainNode);
  await disturb('helm upgrade', () => app.upgrade('logLevel=debug'));
  await disturb('helm rollback', () => app.rollback());
}
await step('uninstall leaves nothing', async () => {
  await app.unexpose();
  await app.uninstall();
  await waitFor(async () => (await app.leftovers()).length === 0, {
    deadlineMs: 60_000,
    everyMs: 500,
    what: 'everything to be gone',
  }).catch(async (error: Error) => {
    throw new Error(`${error.message}: ${(await app.leftovers()).join(' ')}`, { cause: error });
  });
});
await app.removeNamespace();
process.exitCode = failed === 0 ? 0 : 1;
