import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { goTool } from '../../scripts/go-tools.mjs';
import { makeImage, makeLayer } from '../../scripts/images/archive.mjs';
import { root } from '../../scripts/lib/command.ts';

export const K6_IMAGE = 'runnel/k6:test';
const ARCH: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };

/** k6 alone, as it was built for the load tests, for this machine's cluster: nothing of Runnel is in it, and it is in no image of Runnel. Gives the path of its tar. */
export const k6Image = async (): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-k6-'));
  try {
    const files = join(folder, 'root');
    mkdirSync(join(files, 'usr/bin'), { recursive: true });
    mkdirSync(join(files, 'tmp'));
    copyFileSync(goTool('k6'), join(files, 'usr/bin/k6'));
    chmodSync(join(files, 'usr/bin/k6'), 0o755);
    const out = join(root, 'dist/images/k6.tar');
    makeImage({
      tag: K6_IMAGE,
      out,
      arch: ARCH[process.arch]!,
      config: { User: '65532:65532', WorkingDir: '/tmp', Env: ['PATH=/usr/bin', 'HOME=/tmp'] },
      layers: [await makeLayer(files, join(folder, 'k6-layer.tar'))],
    });
    return out;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
