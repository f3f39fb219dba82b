import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exitOnSignals } from '@runnel/e2e';
import type { Quantiles } from './histogram.ts';
import { describeMachine, QUIET_CORES, quietMachine } from './machine.ts';
import { measureContent, type ContentFigures } from './measure-content.ts';
import { measureIdle, type IdleFigures } from './measure-idle.ts';
import { measureMoments, type MomentFigures } from './measure-moments.ts';
import { measureStreaming, type StreamingFigures } from './measure-streaming.ts';
import { printProfile } from './profile.ts';
import { table } from './table.ts';

const USAGE = `bench: what a token waits and what it costs
  --quick               a short run (100 × 10, one round, 500 idle sockets)
  --conversations n     default 1000
  --rate n              chunks a second in each, default 10
  --seconds n           measured part of a round, default 15
  --rounds n            default 3; min, median and max are shown
  --ai n                AI processes, default 1
  --provider count|http whose words: the AI pod's own (default), or a provider's over HTTP, in a process of its own
  --idle n              idle sockets, default 5000
  --only streaming|idle|moments|content
  --parked n            runs that wait for a person (content), default 10000
  --quiet               waits for a quiet machine, and drops rounds in which anything else used more than 0.1 core
  --profile gateway|ai  takes a CPU profile of one streaming round and shows where the time goes
  --json                figures as JSON`;

interface Figures {
  machine: string;
  load: string;
  streaming: StreamingFigures[];
  idle: IdleFigures | null;
  moments: MomentFigures | null;
  content: ContentFigures | null;
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    conversations: { type: 'string' },
    rate: { type: 'string', default: '10' },
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    ai: { type: 'string', default: '1' },
    provider: { type: 'string', default: 'count' },
    idle: { type: 'string' },
    parked: { type: 'string' },
    only: { type: 'string' },
    quiet: { type: 'boolean', default: false },
    profile: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** How often a round is tried for each one wanted. */
const MAX_ATTEMPTS = 4;

const number = (given: string | undefined, quick: number, full: number): number => Number(given ?? (values.quick ? quick : full));
const streaming = {
  conversations: number(values.conversations, 100, 1_000),
  rate: Number(values.rate),
  seconds: number(values.seconds, 5, 15),
  ai: Number(values.ai),
  provider: values.provider === 'http' ? ('http' as const) : ('count' as const),
};

const profile = async (profiled: 'gateway' | 'ai'): Promise<void> => {
  const profileDir = await mkdtemp(join(tmpdir(), 'runnel-profile-'));
  const figures = await measureStreaming({ ...streaming, profileDir, profiled });
  console.log(table([figures]));
  await printProfile(profileDir, figures.window);
};

const measure = async (): Promise<Figures> => {
  const wants = (part: string): boolean => values.only === undefined || values.only === part;
  const rounds: StreamingFigures[] = [];
  const wanted = wants('streaming') ? number(values.rounds, 1, 3) : 0;
  for (let attempt = 0; rounds.length < wanted && attempt < wanted * MAX_ATTEMPTS; attempt++) {
    if (values.quiet) await quietMachine();
    const round = await measureStreaming(streaming);
    if (!values.quiet || round.noiseCores <= QUIET_CORES) rounds.push(round);
    else console.error(`dropped a round: something else used ${round.noiseCores} cores`);
  }
  if (values.quiet) await quietMachine();
  return {
    machine: describeMachine(),
    load: `${streaming.conversations} conversations × ${streaming.rate} chunks/s, 1 gateway, ${streaming.ai} ai, words of ${streaming.provider}`,
    streaming: rounds,
    idle: wants('idle') ? await measureIdle(number(values.idle, 500, 5_000)) : null,
    moments: wants('moments') ? await measureMoments({ times: values.quick ? 10 : 50 }) : null,
    content: wants('content') ? await measureContent({ times: values.quick ? 20 : 200, runs: number(values.parked, 500, 10_000) }) : null,
  };
};

const printMoments = (moments: Record<string, Quantiles>): void => {
  for (const [name, { p50, p99, max, count }] of Object.entries(moments))
    console.log(`${name.padEnd(9)} p50 ${p50} ms, p99 ${p99} ms, max ${max} ms (${count} times)`);
};

const printContent = ({ parked, upload, ...moments }: ContentFigures): void => {
  printMoments(moments);
  console.log(
    `a parked run: ${parked.kibEach} KiB of Redis each of ${parked.runs}, ai at ${parked.aiCores} cores, a gateway at ${parked.gatewayCores}`,
  );
  for (const { mib, streams, mibPerSecond, mibEach } of upload)
    console.log(`${streams} × ${mib} MiB uploaded: ${mibPerSecond} MiB/s, the gateway grew by ${mibEach} MiB each`);
};

const print = ({ machine, load, streaming: rounds, idle, moments, content }: Figures): void => {
  console.log(`${machine}\n${load}\n`);
  if (rounds.length > 0) console.log(table(rounds));
  if (idle) console.log(`idle socket: ${idle.kibPerSocket} KiB each of ${idle.sockets}, gateway at ${idle.gatewayCores} cores\n`);
  if (moments) printMoments({ ...moments });
  if (content) printContent(content);
};

exitOnSignals();
if (values.help) console.log(USAGE);
else if (values.profile !== undefined) await profile(values.profile === 'ai' ? 'ai' : 'gateway');
else {
  const figures = await measure();
  if (values.json) console.log(JSON.stringify(figures, null, 2));
  else print(figures);
}
