import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

/** Where the CPU time went: self time by function, most first, idle left out. */
export const hotSpots = (profile: CpuProfile, limit: number): { where: string; share: number }[] => {
  const names = new Map(
    profile.nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'} ${url.replace(/^.*\/(?=(node_modules|packages|services)\/)/, '')}${url ? `:${lineNumber + 1}` : ''}`.trim(),
    ]),
  );
  const self = new Map<string, number>();
  profile.samples.forEach((id, i) => {
    const name = names.get(id) ?? '?';
    if (name !== '(idle)' && name !== '(program)') self.set(name, (self.get(name) ?? 0) + (profile.timeDeltas[i] ?? 0));
  });
  const total = [...self.values()].reduce((sum, one) => sum + one, 0);
  return [...self]
    .sort(([, a], [, b]) => b - a)
    .slice(0, limit)
    .map(([where, time]) => ({ where, share: time / total }));
};

export const printProfile = async (dir: string): Promise<void> => {
  const file = (await readdir(dir)).find((name) => name.endsWith('.cpuprofile'));
  if (!file) throw new Error(`no profile was written to ${dir}`);
  const profile = JSON.parse(await readFile(join(dir, file), 'utf8')) as CpuProfile;
  for (const { where, share } of hotSpots(profile, 30)) console.log(`${(share * 100).toFixed(1).padStart(5)} %  ${where}`);
  console.log(`whole profile: ${join(dir, file)}`);
};
