import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { elapse } from '@runnel/e2e';

/** Ticks of `/proc/<pid>/stat` a second; USER_HZ is 100 on every Linux that Node runs on. */
const TICKS = 100;

/** CPU seconds the process has used. */
const cpuSeconds = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The command in brackets may hold spaces: fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
};

/** CPU seconds the whole machine has been busy. */
const busySeconds = (): number => {
  const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]!
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user! + nice! + system! + irq! + softirq! + steal!) / TICKS;
};

/** Bytes that only this process holds (Linux), so that shared libraries do not count. */
export const privateBytes = (pid: number): number => {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kilobytes = [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+)/gm)].reduce((sum, match) => sum + Number(match[1]), 0);
  return kilobytes * 1024;
};

export interface CpuUse {
  seconds: number;
  /** CPU seconds by name of the process. */
  used: Record<string, number>;
  /** Cores that anything else used meanwhile: rounds with more than 0.1 say little. */
  noiseCores: number;
}

/** Starts measuring; the answer ends it. */
export const measureCpu = (pids: Record<string, number>): (() => CpuUse) => {
  const all = { ...pids, bench: process.pid };
  const read = (): Record<string, number> => Object.fromEntries(Object.entries(all).map(([name, pid]) => [name, cpuSeconds(pid)]));
  const [from, before, busyBefore] = [performance.now(), read(), busySeconds()];
  return () => {
    const seconds = (performance.now() - from) / 1_000;
    const after = read();
    const used = Object.fromEntries(Object.keys(all).map((name) => [name, after[name]! - before[name]!]));
    const ours = Object.values(used).reduce((sum, one) => sum + one, 0);
    return { seconds, used, noiseCores: Math.max(0, (busySeconds() - busyBefore - ours) / seconds) };
  };
};

export const QUIET_CORES = 0.1;
const LOOK_MS = 3_000;
const PATIENCE_MS = 600_000;

/** Resolves when nothing else has used the machine for a moment, or patience is over. */
export const quietMachine = async (): Promise<void> => {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (performance.now() < giveUpAt) {
    const stop = measureCpu({});
    await elapse(LOOK_MS);
    if (stop().noiseCores <= QUIET_CORES) return;
  }
};

export const describeMachine = (): string => `${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}, Linux`;
