import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Stage } from '../../harness/stage.ts';
import { checkAudit } from './check.ts';

/** The auditor's own command, on the database as it is. */
export const verify = async (stage: Stage): Promise<string> => {
  const words = [`${import.meta.dirname}/../../../services/audit/src/cli/main.ts`, 'verify'];
  const env = { ...process.env, DATABASE_URL: stage.cluster.databaseUrl! };
  const { stdout } = await promisify(execFile)(process.execPath, words, { env, timeout: 20_000 });
  return stdout.trim().replace(/; root .*/, '');
};

/** After a fault: what was shown is in the audit, every event once and in order, and `verify` finds nothing. */
export const heals = async (stage: Stage): Promise<void> => {
  await stage.settle();
  const from = performance.now();
  const events = await checkAudit(stage);
  stage.note(
    `${events} events, each once, in order, ${Math.round(performance.now() - from)} ms after the last answer; verify: ${await verify(stage)}`,
  );
};
