/** The steps of `npm run test:k8s`; run by test.ts where the cluster's Services can be reached. One JSON line a step. */
import { join } from 'node:path';
import { call, elapse, waitFor } from '@runnel/e2e';
import { disturb, seen } from './lib/disturb.ts';
import { dryRun } from './lib/dry-run.ts';
import { K6_IMAGE } from './lib/k6-image.ts';
import { nodePower, type NodePower } from './lib/nodes.ts';
import { BASE_VALUES, CHART, COMPONENTS, PREVIOUS_CHART, release, WITHOUT_LIMITS, type Component } from './lib/release.ts';
import { failedSteps, step } from './lib/step.ts';
import { SHORT_DRAINS, VALUES } from './lib/values.ts';

const IDLE_MB = 120;
const NODE_MS = 180_000;
/** Of all steps together: about six on two free cores. */
const SUITE_MS = 15 * 60_000;
/** What comes with the new chart: the audit, straight from the outbox into a database that is not of the release. */
const COMMON_VALUES = [...BASE_VALUES, ...SHORT_DRAINS, 'redis.url=redis://store:6379'];
// The chart of before does not know that gateways of today ask for it; its pods run today's images.
const PREVIOUS_VALUES = [...COMMON_VALUES, 'gateway.env.DEV_MODE_OPEN=yes'];
const UPGRADE_VALUES = [...COMMON_VALUES, ...WITHOUT_LIMITS, 'audit.enabled=true', 'postgres.url=postgres://runnel@database:5432/runnel'];
const STORES = join(import.meta.dirname, 'stores.yaml');

const app = release('runnel', 'runnel-test');
let entry = '';
const origin = (): string => entry;

const refused = async (what: Promise<unknown>, sentence: RegExp): Promise<void> => {
  const error = await what.then(
    () => new Error('it was accepted'),
    (error: Error) => error,
  );
  if (!sentence.test(error.message)) throw error;
};

const roll = async (component: Component): Promise<void> => {
  await app.restart(component);
  await app.rolledOut(component);
};

const kill = async (component: Component): Promise<void> => {
  const [pod] = await app.pods(component);
  await app.kubectl('delete', pod!, '--grace-period=0', '--force');
  await app.rolledOut(component);
};

const scale = async (component: Component, replicas: number): Promise<void> => {
  await app.kubectl('scale', `deploy/runnel-${component}`, `--replicas=${replicas}`);
  await app.rolledOut(component);
};

const drainNode = async (): Promise<void> => {
  const node = await app.otherNode();
  await app
    .kubectl('drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=180s')
    .finally(() => app.kubectl('uncordon', node));
};

/** A power cut: nobody says goodbye. Its pods are made elsewhere; then it comes back. */
const loseNode = async (power: NodePower): Promise<void> => {
  const node = await app.otherNode();
  const until = (ready: boolean): Promise<unknown> =>
    waitFor(async () => (await app.nodeReady(node)) === ready, { deadlineMs: NODE_MS, everyMs: 500, what: `${node} ready: ${ready}` });
  try {
    await power.kill(node);
    await until(false);
    await Promise.all(COMPONENTS.map((component) => app.available(component)));
  } finally {
    await power.start(node);
    await until(true);
  }
  for (const component of COMPONENTS) await app.rolledOut(component);
};

/** The chart's own load test with five people for four seconds: k6 gets there, every answer is whole, and it judges. Its figures are those of a
 * machine that also carries the cluster, right after an upgrade, so they are told and decide nothing here. */
const loadTest = async (): Promise<string> => {
  const small = ['profile=short', 'deadlineSeconds=100', 'resources.requests.cpu=50m'];
  const values = ['enabled=true', `image=${K6_IMAGE}`, ...small].map((value) => `loadTest.${value}`);
  try {
    await app.upgrade(CHART, [...VALUES, ...values]);
    const verdict = await app.test('load-test').then(
      () => 'within its thresholds',
      () => 'over its thresholds',
    );
    const words = await app.kubectl('logs', 'job/runnel-load-test');
    const figure = (name: string): string | undefined => new RegExp(`${name}\\.*: (.*)`).exec(words)?.[1]?.trim();
    const whole = figure('runnel_answers_whole');
    if (whole?.startsWith('100.00%') !== true) throw new Error(`k6 did not see every answer whole:\n${words.slice(-2_000)}`);
    return `answers whole ${whole}; ${verdict}; first word ${figure('runnel_ttfb_added')}; chunk ${figure('runnel_chunk_added')}`;
  } finally {
    // What a test leaves to be read is not removed with the release.
    await app.kubectl('delete', 'job,configmap', 'runnel-load-test', '--ignore-not-found');
    await app.upgrade(CHART, VALUES);
  }
};

/** Pods of the page that are replaced. */
const MOST_REPEATED = 2;

/** The page is asked for all the time while its pods are replaced. */
const rollPage = async (): Promise<string> => {
  const page = await app.expose('web', '/');
  const rolled = new AbortController();
  const statuses = new Map<number, number>();
  let repeated = 0;
  /** As a browser asks: a GET whose kept connection is closed under it goes out once more. */
  const ask = async (): Promise<number> => {
    const { status } = await call('GET', `${page}/`);
    if (status !== 0) return status;
    repeated++;
    return (await call('GET', `${page}/`)).status;
  };
  const asking = (async () => {
    for (; !rolled.signal.aborted; await elapse(20)) {
      const status = await ask();
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  })();
  await roll('web').finally(() => rolled.abort());
  await asking.finally(() => app.unexpose('web'));
  // Each pod that goes may close the one connection that is kept.
  if (repeated > MOST_REPEATED) throw new Error(`${repeated} requests were asked twice`);
  if ([...statuses.keys()].some((status) => status !== 200)) throw new Error(`answers by status: ${JSON.stringify([...statuses])}`);
  return `${statuses.get(200)} of ${statuses.get(200)} requests answered, ${repeated} of them asked twice`;
};

/** What the test before it has used is collected in its own time. */
const idleMemory = (): Promise<string> =>
  waitFor(
    async () => {
      const pods = (await app.memory()).filter(({ pod }) => /^runnel-(gateway|ai|audit|web)-/.test(pod));
      const told = pods.map(({ pod, workingSet, rss }) => `${pod.split('-')[1]} ${workingSet} (${rss} rss)`).toSorted();
      const large = pods.filter(({ pod, workingSet }) => /-(gateway|ai)-/.test(pod) && workingSet >= IDLE_MB);
      if (large.length > 0) throw new Error(`more than ${IDLE_MB} MB: ${told.join(', ')}`);
      return `${told.join(', ')} MB`;
    },
    { deadlineMs: 90_000, everyMs: 2_000, what: `less than ${IDLE_MB} MB` },
  );

const audited = (): Promise<string> =>
  waitFor(
    async () => {
      const words = await app.verify();
      const conversations = Number(/in (\d+) logs/.exec(words)?.[1]);
      if (!words.startsWith('whole') || conversations < seen.runs) throw new Error(`${words.trim()}; ${seen.runs} answers were seen`);
      return words.trim();
    },
    { deadlineMs: 120_000, everyMs: 1_000, what: 'the audit to hold every answer' },
  );

const uninstall = async (): Promise<void> => {
  await app.unexpose('gateway');
  await app.uninstall();
  const nothingLeft = async (): Promise<true> => {
    const left = await app.leftovers();
    if (left.length > 0) throw new Error(left.join(' '));
    return true;
  };
  await waitFor(nothingLeft, { deadlineMs: 120_000, everyMs: 500, what: 'everything to be gone' });
};

const disturbances = async (): Promise<void> => {
  await step('helm test: streams, cuts, resumes, compares hashes', async () => void (await app.test()));
  await step('k6 as a Job of helm test', loadTest);
  await step(`an idle gateway, an idle AI pod: less than ${IDLE_MB} MB`, idleMemory);
  await step('a wrong value is refused', () => refused(app.upgrade(CHART, [...VALUES, 'gateway.replica=3']), /replica/));
  await disturb('a node is drained against the disruption budgets', origin, drainNode);
  await disturb('rolling update of the gateways', origin, () => roll('gateway'));
  await disturb('rolling update of the AI pods', origin, () => roll('ai'));
  await disturb('rolling update of the audit', origin, () => roll('audit'));
  await step('rolling update of the page', rollPage);
  await disturb('a gateway pod is killed', origin, () => kill('gateway'));
  await disturb('an AI pod is killed', origin, () => kill('ai'));
  await disturb('an audit pod is killed', origin, () => kill('audit'));
  await disturb('scale up and down', origin, async () => {
    for (const replicas of [3, 2]) await Promise.all([scale('ai', replicas), scale('gateway', replicas)]);
  });
  const power = nodePower(process.env);
  if (power === null) console.log('not run: a node is killed and comes back (set K8S_KILL_NODE and K8S_START_NODE)');
  else await disturb('a node is killed and comes back', origin, () => loseNode(power));
  await step('the audit holds every answer, whole', audited);
};

const end = async (): Promise<never> => {
  await app.removeNamespace();
  return process.exit(failedSteps() === 0 ? 0 : 1);
};
/** What hangs is told and cleared away, not waited for. */
const giveUp = (why: string): void => void step('the whole run', () => Promise.reject(new Error(why))).then(end);
setTimeout(giveUp, SUITE_MS, `it did not end within ${SUITE_MS / 60_000} minutes`).unref();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => giveUp(`ended by ${signal}`));

await step('a namespace on two nodes', () => app.createNamespace());
if (failedSteps() > 0) await end();
await step('every profile passes a dry run of the API server', () => dryRun(app));
await step('install, under PSA restricted', async () => {
  const startedAt = performance.now();
  await app.install(CHART, VALUES);
  const seconds = (performance.now() - startedAt) / 1_000;
  entry = await app.expose('gateway', '/api/models');
  return `ready after ${seconds.toFixed(1)} s`;
});
if (failedSteps() === 0) await disturbances();
await step('uninstall leaves nothing', uninstall);

const before = failedSteps();
await step('install of the previous chart, on stores of the operator', async () => {
  await app.kubectl('apply', '-f', STORES);
  for (const name of ['store', 'database']) await app.kubectl('rollout', 'status', `deploy/${name}`, '--timeout=120s');
  await app.install(PREVIOUS_CHART, PREVIOUS_VALUES);
  entry = await app.expose('gateway', '/api/models');
});
if (failedSteps() === before) {
  await disturb('helm upgrade from the previous chart, with its migrations', origin, () => app.upgrade(CHART, UPGRADE_VALUES));
  await step('helm test after it', async () => void (await app.test()));
  await disturb('helm rollback to it', origin, () => app.rollback());
}
await step('uninstall after it leaves nothing', uninstall);
await end();
