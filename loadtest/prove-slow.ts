/**
 * Proves that the load test would notice: with 50 ms between nginx and the gateways the chunk threshold must be crossed, because
 * of these 50 ms and nothing else. Exit code 0 when it was noticed.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CROSSED, onStage, runK6 } from './stage.ts';

const DELAY_MS = 50;

interface Summary {
  metrics: Record<string, { min?: number; value?: number }>;
}

const folder = await mkdtemp(join(tmpdir(), 'runnel-slow-'));
try {
  const summary = join(folder, 'summary.json');
  const code = await onStage({ mode: 'round-robin', delayMs: DELAY_MS }, (url) =>
    runK6(url, { script: 'stream', profile: 'short', summary }),
  );
  const { metrics } = JSON.parse(await readFile(summary, 'utf8')) as Summary;
  const problems = [
    ...(code === CROSSED ? [] : [`k6 ended with ${code} instead of ${CROSSED}: the slowness was not noticed`]),
    // The fastest chunk of all carries the delay: it is not just a busy machine that was noticed.
    ...((metrics['runnel_chunk_added']?.min ?? 0) >= DELAY_MS ? [] : ['a chunk was faster than the delay: the proxy is not in the way']),
    ...(metrics['runnel_answers_whole']?.value === 1 ? [] : ['slow answers must be whole all the same']),
  ];
  for (const problem of problems) console.error(`prove-slow: ${problem}`);
  if (problems.length === 0) console.log(`prove-slow: ${DELAY_MS} ms in front of the gateways crossed the threshold, as it must`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
