/** `npm run bench:peers`: the same job by Runnel, by its peers and by next to nothing, side by side, in alternating rounds. */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { exitOnSignals } from '@runnel/e2e';
import { describeMachine, QUIET_CORES, quietMachine } from '../machine.ts';
import { spread } from '../table.ts';
import { measureSystem, type Part, type Plan, type Round } from './measure.ts';
import { installPeers } from './peer-packages.ts';
import { findSystems, type System } from './systems.ts';

const USAGE = `bench:peers: Runnel, its peers and the floor, the same job in one run
  --conversations n   default 1000
  --rate n            chunks a second, all together, default 10000
  --seconds n         measured part of a round, default 6
  --rounds n          default 3; min, median and max are shown
  --idle n            idle sockets, default 2000
  --parts a,b         of cost, storm, idle, ceiling; default cost,storm,idle
  --only regexp       systems whose name matches this
  --quiet             waits for a quiet machine before each round, and drops rounds in which anything else used more than 0.1 core
  --json
CENTRIFUGO=/path/to/centrifugo takes Centrifugo 6 in. Two cores at least: the server has one, everything else another.`;

const { values } = parseArgs({
  options: {
    conversations: { type: 'string', default: '1000' },
    rate: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '6' },
    rounds: { type: 'string', default: '3' },
    idle: { type: 'string', default: '2000' },
    parts: { type: 'string', default: 'cost,storm,idle' },
    only: { type: 'string', default: '' },
    quiet: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const MAX_ATTEMPTS = 3;

const version = (command: string, ...args: string[]): string => {
  try {
    return execFileSync(command, args, { encoding: 'utf8' }).split('\n', 1)[0]!.trim();
  } catch {
    return `${command}: unknown`;
  }
};

const rounds = new Map<System, Round[]>();

const measureAll = async (plan: Plan): Promise<void> => {
  const systems = findSystems().filter(({ name }) => new RegExp(values.only).test(name));
  for (const system of systems) rounds.set(system, []);
  for (let round = 0; round < Number(values.rounds); round++) {
    // Another one begins each round, so that none is always the first on a warm or a cold machine.
    for (const [place] of systems.entries()) {
      const system = systems[(place + round) % systems.length]!;
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        if (values.quiet) await quietMachine();
        const measured = await measureSystem(system, plan);
        const noise = measured.cost?.noiseCores ?? 0;
        console.error(`round ${round + 1}: ${system.name}: ${JSON.stringify(measured)}`);
        if (values.quiet && noise > QUIET_CORES) continue;
        rounds.get(system)!.push(measured);
        break;
      }
    }
  }
};

const COLUMNS: readonly [string, (round: Round) => number | null][] = [
  ['delivered a second', ({ cost }) => cost?.perSecond ?? null],
  ['server µs/chunk', ({ cost }) => cost?.server ?? null],
  ['Redis µs/chunk', ({ cost }) => cost?.redis ?? null],
  ['producing µs/chunk', ({ cost }) => cost?.producing ?? null],
  ['p50 ms', ({ cost }) => cost?.p50 ?? null],
  ['p99 ms', ({ cost }) => cost?.p99 ?? null],
  ['lost in the storm', ({ storm }) => storm?.lost ?? null],
  ['repeated in it', ({ storm }) => storm?.repeated ?? null],
  ['all back after ms', ({ storm }) => storm?.ms ?? null],
  ['not back by then', ({ storm }) => storm?.missing ?? null],
  ['idle socket KiB', ({ idleKib }) => idleKib ?? null],
  ['one core carries, frames/s ×3', ({ ceiling }) => ceiling?.perSecond ?? null],
  ['p99 at half of it, ms', ({ ceiling }) => ceiling?.halfP99 ?? null],
  ['other use of the machine, cores', ({ cost }) => cost?.noiseCores ?? null],
];

const print = (): void => {
  console.log(`${describeMachine()}\n${version('redis-server', '--version')}`);
  const { CENTRIFUGO } = process.env;
  if (CENTRIFUGO !== undefined) console.log(version(CENTRIFUGO, 'version'));
  console.log(
    `${values.conversations} conversations, ${values.rate} chunks/s, ${values.rounds} rounds of ${values.seconds} s: median (min–max)\n`,
  );
  const shown = COLUMNS.filter(([, pick]) => [...rounds.values()].flat().some((round) => pick(round) !== null));
  console.log(`| system | ${shown.map(([name]) => name).join(' | ')} |\n|${' --- |'.repeat(shown.length + 1)}`);
  for (const [{ name }, measured] of rounds) {
    const bound = measured.some(({ ceiling }) => ceiling?.bound === 'rest') ? ' (the other core was full first)' : '';
    console.log(`| ${name}${bound} | ${shown.map(([, pick]) => spread(measured.map(pick))).join(' | ')} |`);
  }
  for (const [{ name }, measured] of rounds) {
    const [lost, repeated] = [
      measured.reduce((sum, round) => sum + round.lost, 0),
      measured.reduce((sum, round) => sum + round.repeated, 0),
    ];
    if (lost + repeated > 0) console.log(`${name}: ${lost} lost and ${repeated} repeated in the steady part`);
    for (const error of measured.flatMap(({ errors }) => errors)) console.log(`${name}: ${error}`);
  }
};

exitOnSignals();
if (values.help) console.log(USAGE);
else {
  installPeers();
  await measureAll({
    conversations: Number(values.conversations),
    rate: Number(values.rate),
    seconds: Number(values.seconds),
    idle: Number(values.idle),
    parts: new Set(values.parts.split(',') as Part[]),
  });
  if (values.json)
    console.log(
      JSON.stringify(
        [...rounds].map(([{ name }, measured]) => ({ name, measured })),
        null,
        2,
      ),
    );
  else print();
}
