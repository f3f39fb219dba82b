/**
 * `npm run test:k8s -- figures`: what docs/performance-kubernetes.md says, measured. Everything is replaced while 300 answers stream.
 * Prints one JSON line a step, as the suite does; the figures are its notes.
 */
import { elapse } from '@runnel/e2e';
import { percentile, startLoad, underLoad, type LoadPlan } from './lib/load.ts';
import { ALL_VALUES, CHART, COMPONENTS, release } from './lib/release.ts';
import { failedSteps, step } from './lib/step.ts';

const PLAN: LoadPlan = { conversations: 300, viewers: 1, words: 600, wordsASecond: 3, rampMs: 20_000 };
const PAUSE_P99_MS = 1_500;
const BIN_MS = 2_000;
const START_MS = 150_000;
const IDLE_MS = 20_000;

const app = release('runnel', 'runnel-figures');
let entry = '';

/** `12-14 s: 31` for each two seconds in which somebody came back. */
const histogram = (times: readonly number[]): string => {
  const bins = Object.groupBy(times, (time) => String(Math.floor(time / BIN_MS)));
  const first = Math.min(...Object.keys(bins).map(Number));
  const last = Math.max(...Object.keys(bins).map(Number));
  const seconds = (bin: number): number => (bin * BIN_MS) / 1_000;
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i)
    .map((bin) => `${seconds(bin)}-${seconds(bin + 1)} s: ${bins[bin]?.length ?? 0}`)
    .join(', ');
};

const memory = async (): Promise<string> =>
  (await app.memory()).map(({ pod, workingSet, rss }) => `${pod} ${workingSet} MB (rss ${rss})`).join(', ');

await app.createNamespace();
await step('cold install', async () => {
  const startedAt = performance.now();
  await app.install(CHART, [...ALL_VALUES, 'redis.development.resources.requests.cpu=1']);
  const seconds = (performance.now() - startedAt) / 1_000;
  entry = await app.expose('gateway', '/api/models');
  return `ready after ${seconds.toFixed(1)} s`;
});
if (failedSteps() === 0) {
  await step('memory, idle', async () => {
    await elapse(IDLE_MS);
    return memory();
  });
  await step(`rolling update of everything under ${PLAN.conversations} live answers`, async () => {
    const load = startLoad(() => entry, PLAN);
    let restartedAt = 0;
    let rolledMs = 0;
    let live = '';
    try {
      await underLoad(load, PLAN.conversations, START_MS).catch((error: Error) => {
        throw new Error(`${error.message}; there were ${load.live()}`, { cause: error });
      });
      live = await memory();
      load.forget();
      restartedAt = load.elapsed();
      await Promise.all(COMPONENTS.map((component) => app.restart(component)));
      await Promise.all(COMPONENTS.map((component) => app.rolledOut(component)));
      rolledMs = load.elapsed() - restartedAt;
    } finally {
      await load.stop();
    }
    const { runs, problems, pauses, reconnects, moves, worst } = await load.stop();
    const [p50, p99, max] = [0.5, 0.99, 1].map((share) => percentile(pauses, share));
    const told = [
      `${runs} answers, ${problems.length} not whole or not accepted`,
      `rolled in ${(rolledMs / 1_000).toFixed(0)} s`,
      `longest pause p50 ${p50} p99 ${p99} max ${max} ms (restart at ${Math.round(restartedAt)} ms; the longest ${worst})`,
      `${moves} moves seen, ${reconnects.length} reconnects after the restart: ${histogram(reconnects.map((time) => time - restartedAt))}`,
      `memory under load: ${live}`,
    ].join('; ');
    if (problems.length > 0 || p99! > PAUSE_P99_MS) throw new Error([told, ...problems.slice(0, 10)].join('\n'));
    return told;
  });
}
await app.unexpose('gateway');
await step('uninstall', async () => void (await app.uninstall()));
await app.removeNamespace();
process.exitCode = failedSteps() === 0 ? 0 : 1;
