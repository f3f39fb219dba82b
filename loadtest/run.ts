/**
 * `npm run loadtest -- smoke [--script stream] [--mode round-robin|cookie] [--target ws://…] [--summary file.json] [--out …]`
 * Without a target: Redis, 2 gateways and 2 AI pods behind a real nginx on loopback. The exit code is k6's: 0 when every
 * threshold held, 99 when one was crossed.
 */
import { parseArgs } from 'node:util';
import type { NginxMode } from './nginx.ts';
import { onStage, runK6, whileRolling } from './stage.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    mode: { type: 'string', default: 'round-robin' },
    script: { type: 'string', default: 'stream' },
    target: { type: 'string' },
    summary: { type: 'string' },
    out: { type: 'string' },
  },
});

const load = {
  script: values.script,
  profile: positionals[0] ?? 'smoke',
  ...(values.summary !== undefined && { summary: values.summary }),
  ...(values.out !== undefined && { out: values.out }),
  ...(values.script === 'soak' && { deadlineMs: (Number(process.env['SOAK_MINUTES'] ?? 60) + 5) * 60_000 }),
};
const run = (url: string): Promise<number> => runK6(url, load);
const here = (): Promise<number> =>
  onStage({ mode: values.mode as NginxMode, tools: load.script === 'tools' }, (url, cluster) =>
    values.script === 'rollout' ? whileRolling(cluster, run(url)) : run(url),
  );
process.exitCode = await (values.target === undefined ? here() : run(values.target));
