import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { INTERNAL_TOKEN, startCluster, waitFor, type Cluster } from '@runnel/e2e';
import { pdfOf, photoOf } from '../../services/gateway/testing/files/documents.ts';
import { uploadFile } from '../../services/gateway/testing/files/upload.ts';
import { bundleService, programOf } from './bundle.mjs';

const SERVICES = ['gateway', 'ai', 'audit'];
const DEADLINE_MS = 180_000;
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runnel-images-'));
  for (const service of SERVICES) await bundleService(service, join(folder, service));
}, DEADLINE_MS);
afterAll(() => rm(folder, { recursive: true, force: true }));

const startImages = async (env: Record<string, string> = {}): Promise<Cluster> => {
  const cluster = await startCluster({ gateways: 1, ai: 1, audit: true, postgres: true, images: { folder, programOf }, gatewayEnv: env });
  onTestFinished(async () => {
    await cluster.close();
    await cluster.removeLogs();
  });
  return cluster;
};

test('what images have answers a prompt, stores it, and its command verifies the trail', { timeout: DEADLINE_MS }, async () => {
  const { gateways, audit, databaseUrl } = await startImages();
  const url = gateways[0]!.url;
  const asked = { conversationId: 'c-image', messageId: 'q-1', text: 'count 5 at 100' };
  const answer = await fetch(`${url}/api/chat?user_id=ann`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(asked),
  });
  expect(answer.status).toBe(202);
  const history = async (): Promise<{ text: string }[]> => {
    const headers = { authorization: `Bearer ${INTERNAL_TOKEN}`, 'x-runnel-user': 'ann' };
    const stored = await fetch(`${audit!.url}/history/c-image`, { headers });
    return ((await stored.json()) as { messages?: { text: string }[] }).messages ?? [];
  };
  await waitFor(async () => (await history()).length === 2, { deadlineMs: 60_000, what: 'the answer in the database' });
  expect((await history()).map(({ text }) => text.trim())).toEqual(['count 5 at 100', expect.stringMatching(/^\S+( \S+){4}$/)]);
  // As the chart and docs/operations.md call it, whatever the image is made of.
  const command = join(folder, 'audit/services/audit/src/cli/main.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [command, 'verify'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], DATABASE_URL: databaseUrl! },
  });
  expect(stdout).toMatch(/whole|intact|nothing/i);
  // The page of the HTTP interface lies in a package beside the program.
  expect((await fetch(`${url}/api/docs/static/index.css`)).status).toBe(200);
});

test('what images have reads documents in a thread of its own, and makes previews', { timeout: DEADLINE_MS }, async () => {
  const files = await mkdtemp(join(tmpdir(), 'runnel-image-files-'));
  onTestFinished(() => rm(files, { recursive: true, force: true }));
  const { gateways } = await startImages({ FILES_URL: `file:${files}` });
  const url = gateways[0]!.url;
  await uploadFile(url, pdfOf(['Words of a page'], { packed: true }), { name: 'a.pdf' });
  const texts = await readdir(files, { recursive: true, withFileTypes: true });
  const stored = texts.filter((entry) => entry.isFile()).map((entry) => readFileSync(join(entry.parentPath, entry.name)));
  expect(stored.some((bytes) => bytes.includes('Words of a page'))).toBe(true);
  const picture = await uploadFile(url, await photoOf(400, 300), { name: 'a.jpg' });
  const preview = await fetch(`${url}/api/files/${picture}/preview?size=100&user_id=ann`);
  expect([preview.status, preview.headers.get('content-type')]).toEqual([200, 'image/webp']);
});

test('an image holds no sources, no tests, and no more packages than those that read what lies beside them', () => {
  for (const service of SERVICES) {
    const inside = globSync('**/*.ts', { cwd: join(folder, service), exclude: ['node_modules/**'] });
    expect(inside).toEqual(service === 'audit' ? ['services/audit/src/cli/main.ts'] : []);
    expect(existsSync(join(folder, service, 'LICENCES.txt'))).toBe(true);
  }
  expect(existsSync(join(folder, 'gateway/node_modules/sharp/package.json'))).toBe(true);
  expect(existsSync(join(folder, 'gateway/node_modules/fastify'))).toBe(false);
  expect(existsSync(join(folder, 'ai/node_modules/undici'))).toBe(false);
  expect(existsSync(join(folder, 'audit/node_modules'))).toBe(false);
});
