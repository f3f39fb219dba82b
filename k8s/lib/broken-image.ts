import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../scripts/lib/command.ts';
import { makeImage, makeLayer } from '../../scripts/images/archive.mjs';

export const BROKEN_IMAGE = 'runnel/ai:broken';
/** The program of the AI pods, in the image. */
const PROGRAM = './app/services/ai/dist/main.mjs';
/** Bytes of the names in a layer. */
const MOST_NAMES = 64 * 1024 * 1024;
/** What every scripted answer goes through, in it. */
const PACE = /^async function\* paced\([^)]*\) \{$/gm;

/** @throws Error when the program has no such function, so that nobody waits for a break that was none */
const breakProgram = (program: string): string => {
  if (program.match(PACE)?.length !== 1) throw new Error('The image cannot be broken: its program has another pace than this looks for.');
  return program.replace(PACE, "$&\n  throw new Error('this image is broken');");
};

interface Archive {
  architecture: string;
  config: object;
  rootfs: { diff_ids: string[] };
}

/** The image of the AI pods with one layer more: its pods become ready, and each answer of theirs fails. Gives the path of its tar. */
export const breakImage = async (tar: string): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-broken-'));
  try {
    execFileSync('tar', ['-C', folder, '-xf', tar]);
    const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));
    const [{ Config, Layers }] = read('manifest.json') as [{ Config: string; Layers: string[] }];
    const { architecture, config, rootfs } = read(Config) as Archive;
    const broken = join(folder, 'broken');
    mkdirSync(broken);
    const holds = (layer: string): boolean =>
      execFileSync('tar', ['-tf', join(folder, layer)], { encoding: 'utf8', maxBuffer: MOST_NAMES })
        .split('\n')
        .includes(PROGRAM);
    const layer = Layers.findLast(holds);
    if (layer === undefined) throw new Error(`The image cannot be broken: there is no ${PROGRAM} in it.`);
    execFileSync('tar', ['-C', broken, '-xf', join(folder, layer), PROGRAM]);
    writeFileSync(join(broken, PROGRAM), breakProgram(readFileSync(join(broken, PROGRAM), 'utf8')));
    const below = Layers.map((name, i) => ({ file: join(folder, name), sha256: rootfs.diff_ids[i]!.replace('sha256:', '') }));
    const out = join(root, 'dist/images/ai-broken.tar');
    makeImage({
      tag: BROKEN_IMAGE,
      out,
      arch: architecture,
      config,
      layers: [...below, await makeLayer(broken, join(folder, 'broken.tar'))],
    });
    return out;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
