import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../scripts/lib/command.ts';
import { makeImage, makeLayer } from '../../scripts/images/archive.mjs';

export const BROKEN_IMAGE = 'runnel/ai:broken';
/** What every scripted answer goes through, in the image. */
const PACE = 'app/services/ai/src/models/pace.ts';
const BREAKS = `export async function* paced(): AsyncGenerator<never> {\n  throw new Error('this image is broken');\n}\n`;

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
    mkdirSync(join(broken, PACE, '..'), { recursive: true });
    writeFileSync(join(broken, PACE), BREAKS);
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
