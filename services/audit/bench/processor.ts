import { readdirSync, readFileSync } from 'node:fs';

/** What Linux counts processor time in, µs. */
const TICK_US = 10_000;

const readProcess = (pid: number) => {
  const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name stands in brackets, and may hold any letter.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const [parent, own, ended] = [fields[1], Number(fields[11]) + Number(fields[12]), Number(fields[13]) + Number(fields[14])];
  return { pid, parent: Number(parent), name: line.slice(line.indexOf('(') + 1, line.lastIndexOf(')')), own, ended };
};

const processes = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [readProcess(Number(name))];
      } catch {
        // It ended since the list was read.
        return [];
      }
    });

/** Processor time of the PostgreSQL that this process started, with all of its backends: µs. Linux only. */
export const postgresUs = (): number => {
  const all = processes();
  const server = all.find(({ parent, name }) => parent === process.pid && name === 'postgres');
  if (!server) throw new Error('this process has no PostgreSQL');
  const backends = all.filter(({ parent }) => parent === server.pid);
  return (server.own + server.ended + backends.reduce((sum, { own }) => sum + own, 0)) * TICK_US;
};

/** Processor time of this process: µs. */
export const nodeUs = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};
