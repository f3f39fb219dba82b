// Writes a docker-archive image (`docker load`, `ctr images import`, `kind load image-archive`) without an engine or a registry.
// The same files give the same bytes: names sorted, times zero, owner root.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

const TAR = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--format=gnu'];

const sha256 = async (file) => {
  const hash = createHash('sha256');
  for await (const part of createReadStream(file)) hash.update(part);
  return hash.digest('hex');
};

/** One layer from a folder; kept beside the image builds so that images share what they have in common. */
export async function makeLayer(folder, file) {
  mkdirSync(dirname(file), { recursive: true });
  execFileSync('tar', [...TAR, '-C', folder, '-cf', file, '.']);
  return { file, sha256: await sha256(file) };
}

/**
 * @param {{ tag: string, out: string, arch: string, config: object, layers: { file: string, sha256: string }[] }} image
 *   `config` is the OCI image config's `config` object (Entrypoint, User, Env, Labels …).
 */
export function makeImage({ tag, out, arch, config, layers }) {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-image-'));
  try {
    const names = layers.map((layer) => {
      const name = `${layer.sha256.slice(0, 12)}.tar`;
      execFileSync('ln', ['-sf', layer.file, join(folder, name)]);
      return name;
    });
    const document = {
      architecture: arch,
      os: 'linux',
      created: '1970-01-01T00:00:00Z',
      config,
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${layer.sha256}`) },
      history: [],
    };
    writeFileSync(join(folder, 'config.json'), JSON.stringify(document));
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: [tag], Layers: names }]));
    mkdirSync(dirname(out), { recursive: true });
    const partial = `${out}.partial`;
    execFileSync('tar', [...TAR, '-h', '-C', folder, '-cf', partial, 'manifest.json', 'config.json', ...new Set(names)]);
    renameSync(partial, out);
    return basename(out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
