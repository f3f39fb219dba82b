import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleService, programOf } from '../../../scripts/images/bundle.mjs';
import { compileCacheOf, type ClusterOptions } from './cluster.ts';
import { fillCompileCache } from './pod.ts';

export type Images = NonNullable<ClusterOptions['images']> & AsyncDisposable;

/**
 * The services of a cluster as their images have them, in a folder of their own until it is disposed. A scenario starts six processes and more: a
 * program starts with 0.4 s of CPU where the sources take 1.5, and it is what people run.
 */
export const buildImages = async (): Promise<Images> => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-e2e-images-'));
  for (const service of ['gateway', 'ai', 'audit']) await bundleService(service, join(folder, service));
  await fillCompileCache((service) => join(folder, service, programOf(service)), compileCacheOf(folder));
  return { folder, programOf, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
};

/** Made by another process, which removes them. */
export const imagesIn = (folder: string): Images => ({ folder, programOf, [Symbol.asyncDispose]: async () => undefined });
