// `npm test`: every tier in order. A tier that fails does not stop the others. The last line is the total.
//   npm test -- --tier unit,redis
import { parseArgs } from 'node:util';
import { ensureSystem } from './system.mjs';
import { formatSummary, judgeTier, notRunTier, type TierResult } from './lib/totals.ts';
import { TIERS, type Tier } from './lib/tiers.ts';

async function runTier(tier: Tier): Promise<TierResult> {
  console.log(`\n── ${tier.name} ──`);
  if (tier.notRun !== undefined) {
    console.log(`not run: ${tier.notRun}`);
    return notRunTier(tier.name, tier.notRun);
  }
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  try {
    const missing = ensureSystem(tier.needs);
    if (missing !== undefined) throw new Error(missing);
    const { problem, ...totals } = await tier.run();
    return judgeTier(tier.name, seconds(), totals, problem);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    console.error(problem);
    return judgeTier(tier.name, seconds(), { passed: 0, failed: 0 }, problem.split('\n', 1)[0]);
  }
}

const { values } = parseArgs({ options: { tier: { type: 'string' } } });
const wanted = values.tier?.split(',') ?? TIERS.map(({ name }) => name);
const unknown = wanted.find((name) => !TIERS.some((tier) => tier.name === name));
if (unknown !== undefined) {
  console.error(`runnel: there is no tier ${unknown}; there are ${TIERS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => (interrupted = true));

const results: TierResult[] = [];
for (const tier of TIERS.filter(({ name }) => wanted.includes(name))) {
  if (!interrupted) results.push(await runTier(tier));
}
console.log(`\n${formatSummary(results)}`);
process.exitCode = !interrupted && results.every(({ failed }) => failed === 0) ? 0 : 1;
