import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

/** Part of a profile, ms since the process was launched. */
export interface Window {
  fromMs: number;
  toMs: number;
}

/** Where the CPU time of the window went: self time by function, most first, idle left out. */
const hotSpots = (profile: CpuProfile, { fromMs, toMs }: Window, limit: number): { where: string; share: number }[] => {
  const names = new Map(
    profile.nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'} ${url.replace(/^.*\/(?=(node_modules|packages|services)\/)/, '')}${url ? `:${lineNumber + 1}` : ''}`.trim(),
    ]),
  );
  const self = new Map<string, number>();
  let atMs = 0;
  profile.samples.forEach((id, i) => {
    const delta = profile.timeDeltas[i] ?? 0;
    atMs += delta / 1_000;
    const name = names.get(id) ?? '?';
    if (atMs >= fromMs && atMs <= toMs && name !== '(idle)') self.set(name, (self.get(name) ?? 0) + delta);
  });
  const total = [...self.values()].reduce((sum, one) => sum + one, 0);
  return [...self]
    .sort(([, a], [, b]) => b - a)
    .slice(0, limit)
    .map(([where, time]) => ({ where, share: time / total }));
};

export const printProfile = async (dir: string, window: Window): Promise<void> => {
  const file = (await readdir(dir)).find((name) => name.endsWith('.cpuprofile'));
  if (!file) throw new Error(`no profile was written to ${dir}`);
  const profile = JSON.parse(await readFile(join(dir, file), 'utf8')) as CpuProfile;
  for (const { where, share } of hotSpots(profile, window, 40)) console.log(`${(share * 100).toFixed(1).padStart(5)} %  ${where}`);
  console.log(`whole profile: ${join(dir, file)}`);
};
