/**
 * Proves that the load test would notice: with something slow in the way the threshold of a script must be crossed, because of that and
 * nothing else. Exit code 0 when it was noticed. `node loadtest/prove-slow.ts [stream|upload|tools]`
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cluster } from '@runnel/e2e';
import { CROSSED, onStage, runK6, type Stage } from './stage.ts';

interface Summary {
  metrics: Record<string, { min?: number; value?: number }>;
}
interface Case {
  stage: Omit<Stage, 'mode'>;
  /** What is slow for as long as the script runs, beside the wire. */
  slow?: (cluster: Cluster) => Disposable;
  /** Even the fastest of these carries the delay: it is not just a busy machine that was noticed. */
  metric: string;
  leastMs: number;
}

/** Of each call; an answer makes two. */
const CALL_MS = 700;
const slowTools = ({ tools }: Cluster): Disposable => {
  tools!.slow(CALL_MS);
  return { [Symbol.dispose]: () => tools!.slow(0) };
};
const CASES: Record<string, Case> = {
  stream: { stage: { delayMs: 50 }, metric: 'runnel_chunk_added', leastMs: 50 },
  upload: { stage: { delayMs: 1_000 }, metric: 'runnel_upload_piece', leastMs: 1_000 },
  tools: { stage: { tools: true }, slow: slowTools, metric: 'runnel_tools_late', leastMs: 1_000 },
};

const script = process.argv[2] ?? 'stream';
const { stage, slow, metric, leastMs } = CASES[script]!;
const folder = await mkdtemp(join(tmpdir(), 'runnel-slow-'));
try {
  const summary = join(folder, 'summary.json');
  const code = await onStage({ mode: 'round-robin', ...stage }, async (url, cluster) => {
    using _ = slow?.(cluster);
    return await runK6(url, { script, profile: 'short', summary });
  });
  const { metrics } = JSON.parse(await readFile(summary, 'utf8')) as Summary;
  const problems = [
    ...(code === CROSSED ? [] : [`k6 ended with ${code} instead of ${CROSSED}: the slowness was not noticed`]),
    ...((metrics[metric]?.min ?? 0) >= leastMs ? [] : [`one was faster than ${leastMs} ms: what is slow is not in the way`]),
    ...(metrics['runnel_answers_whole']?.value === 1 ? [] : ['what is slow must be whole all the same']),
  ];
  for (const problem of problems) console.error(`prove-slow: ${script}: ${problem}`);
  if (problems.length === 0) console.log(`prove-slow: ${script}: ${leastMs} ms in the way crossed the threshold, as it must`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
