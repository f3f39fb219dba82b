import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@runnel/kit/testing';
import { goTool } from '../../../scripts/go-tools.mjs';

export const BUCKET_KEYS = { accessKeyId: 'the-id-of-a-key', secretAccessKey: 'not-a-secret' };

const STARTS_MS = 30_000;

export interface BucketServer {
  url: string;
  close(): Promise<void>;
}

/** A real S3 server over a folder; its folders are its buckets. */
export const startBuckets = async (...buckets: readonly string[]): Promise<BucketServer> => {
  const binary = goTool('versitygw');
  const folder = await mkdtemp(join(tmpdir(), 'runnel-s3-'));
  for (const name of ['data', 'meta', ...buckets.map((bucket) => `data/${bucket}`)]) await mkdir(join(folder, name));
  const port = await freePort();
  const args = ['-p', `127.0.0.1:${port}`, 'posix', '--sidecar', join(folder, 'meta'), join(folder, 'data')];
  const env = { ...process.env, ROOT_ACCESS_KEY: BUCKET_KEYS.accessKeyId, ROOT_SECRET_KEY: BUCKET_KEYS.secretAccessKey };
  const child = spawn(binary, args, { env, stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  for (const until = performance.now() + STARTS_MS; ;) {
    const answered = await fetch(url).catch(() => null);
    if (answered) break;
    if (performance.now() > until) throw new Error('the bucket does not answer');
    await delay(20);
  }
  return {
    url,
    async close() {
      child.kill('SIGKILL');
      await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
};
