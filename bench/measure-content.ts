import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom, decide, digestOf, elapse, partsOf, snapshotOf, startCluster, Stage, waitFor, type ExpectedRun } from '@runnel/e2e';
import { photoOf } from '@runnel/gateway/testing/files/documents';
import { uploadFile } from '@runnel/gateway/testing/files/upload';
import { Redis } from 'ioredis';
import { Histogram, type Quantiles } from './histogram.ts';
import { measureCpu, privateBytes } from './machine.ts';

export interface ContentFigures {
  /** Approval sent to one gateway to the tool's server having the call, ms. */
  decision: Quantiles;
  /** The same to a reader at the other gateway seeing it, ms. */
  change: Quantiles;
  parked: { runs: number; /** Redis, of all its keys, KiB. */ kibEach: number; aiCores: number; gatewayCores: number };
  upload: {
    mib: number;
    streams: number;
    mibPerSecond: number;
    /** The most that the gateway grew by meanwhile, MiB. */ mibEach: number;
  }[];
  /** Of a photograph of 12 megapixels, each file for the first time, ms. */
  preview: Quantiles;
}

const MIB = 2 ** 20;
const UPLOAD_MIB = 50;
const PHOTOS = 20;

const waiting = (stage: Stage, run: ExpectedRun) =>
  waitFor(
    async () => {
      const shown = await snapshotOf(stage.cluster.gateways[0]!.url, run.conversationId, stage.userId);
      return shown.run?.waiting?.length ? partsOf(shown, run.runId).find(({ state }) => state === 'waiting') : undefined;
    },
    { deadlineMs: 30_000, what: 'a call that waits' },
  );

/** The screens of scenarios know the text alone; what else comes is an event to them all the same. */
const isDecided = (event: unknown): boolean => {
  const { type, part } = (event ?? {}) as { type?: string; part?: { state: string } };
  return type === 'part' && part?.state !== 'waiting';
};

const decisions = async (stage: Stage, times: number): Promise<Pick<ContentFigures, 'decision' | 'change'>> => {
  const [decision, change] = [new Histogram(), new Histogram()];
  const { tools, gateways } = stage.cluster;
  for (let i = 0; i < times; i++) {
    const conversationId = stage.newConversation();
    const { screen } = stage.watch(conversationId, { at: gateways[0]! });
    const run = await stage.startRun({ conversationId, words: 2, rate: 1_000, use: ['act'] });
    const part = await waiting(stage, run);
    const before = tools!.executions.length;
    const [ids, inputSha256] = [{ conversationId, runId: run.runId, partId: part.partId }, digestOf(part.input!)];
    const from = performance.now();
    const seen = screen.until(() => isDecided(screen.lastEvent), 10_000, 'the decision').then(() => change.add(performance.now() - from));
    const called = waitFor(() => tools!.executions.length > before, { deadlineMs: 10_000, everyMs: 1, what: 'the call' });
    await decide(gateways[1]!.url, stage.userId, { ...ids, decision: 'approve', inputSha256 });
    await called;
    decision.add(performance.now() - from);
    await Promise.all([seen, stage.ended(run)]);
    stage.closeViewers();
    stage.viewers.length = 0;
  }
  return { decision: decision.summary(), change: change.summary() };
};

const parked = async (stage: Stage, runs: number): Promise<ContentFigures['parked']> => {
  const { redis, ai, gateways } = stage.cluster;
  const client = new Redis(redis.url);
  /** Bytes of all keys but the outbox: without an audit service nobody empties it here. */
  const used = async (): Promise<number> => {
    let bytes = 0;
    for await (const keys of client.scanStream({ count: 1_000 }) as AsyncIterable<string[]>) {
      const kept = keys.filter((key) => !key.startsWith('events:'));
      const pipeline = client.pipeline();
      for (const key of kept) pipeline.memory('USAGE', key, 'SAMPLES', 0);
      for (const [, size] of (await pipeline.exec()) ?? []) bytes += Number(size ?? 0);
    }
    return bytes;
  };
  try {
    const before = await used();
    const AT_ONCE = 50;
    for (let i = 0; i < runs; i += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, () => stage.startRun({ words: 1, rate: 1_000, use: ['act'] })));
    // Its texts, and what is kept of a run that is over its claim, have settled.
    const settled = async (): Promise<boolean> => (await ai[0]!.metric('runnel_ai_runs')) === 0;
    await waitFor(settled, { deadlineMs: 120_000, everyMs: 250, what: 'all runs to be parked' });
    await elapse(5_000);
    const kibEach = ((await used()) - before) / 1_024 / runs;
    const stop = measureCpu({ ai: ai[0]!.pid, gateway: gateways[0]!.pid });
    await elapse(10_000);
    const { used: cpu, seconds } = stop();
    const cores = (name: string): number => Number((cpu[name]! / seconds).toFixed(3));
    return { runs, kibEach: Number(kibEach.toFixed(2)), aiCores: cores('ai'), gatewayCores: cores('gateway') };
  } finally {
    client.disconnect();
  }
};

const uploads = async (stage: Stage, streams: number): Promise<ContentFigures['upload'][number]> => {
  const { url, pid } = stage.cluster.gateways[0]!;
  const body = Buffer.alloc(UPLOAD_MIB * MIB, 'a line of text that goes on and on\n');
  const before = privateBytes(pid);
  let most = before;
  const look = setInterval(() => (most = Math.max(most, privateBytes(pid))), 20);
  const from = performance.now();
  try {
    await Promise.all(Array.from({ length: streams }, (_, i) => uploadFile(url, body, { user: `uploader-${i}` })));
  } finally {
    clearInterval(look);
  }
  const seconds = (performance.now() - from) / 1_000;
  return {
    mib: UPLOAD_MIB,
    streams,
    mibPerSecond: Math.round((UPLOAD_MIB * streams) / seconds),
    mibEach: Number(((most - before) / MIB / streams).toFixed(1)),
  };
};

const previews = async (stage: Stage): Promise<Quantiles> => {
  const { url } = stage.cluster.gateways[0]!;
  const histogram = new Histogram();
  for (let i = 0; i < PHOTOS; i++) {
    const fileId = await uploadFile(url, await photoOf(4_000, 3_000), { name: `${i}.jpg`, type: 'image/jpeg' });
    const from = performance.now();
    const answer = await fetch(`${url}/api/files/${fileId}/preview?size=400&user_id=ann`);
    if (answer.status !== 200) throw new Error(`preview: ${answer.status}`);
    await answer.arrayBuffer();
    histogram.add(performance.now() - from);
  }
  return histogram.summary();
};

/** What parts, tools and files cost. */
export const measureContent = async ({ times, runs }: { times: number; runs: number }): Promise<ContentFigures> => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-bench-files-'));
  const FILES_URL = `file:${folder}`;
  const gatewayEnv = { FILES_URL, MAX_FILE_BYTES: String(64 * MIB) };
  const cluster = await startCluster({ gateways: 2, ai: 1, tools: true, gatewayEnv, aiEnv: { FILES_URL } });
  const stage = new Stage(cluster, createRandom(1), () => {});
  try {
    // The first of each pays for what all others share.
    await decisions(stage, 5);
    const decided = await decisions(stage, times);
    await uploads(stage, 1);
    const upload = [await uploads(stage, 1), await uploads(stage, 4)];
    const preview = await previews(stage);
    return { ...decided, parked: await parked(stage, runs), upload, preview };
  } finally {
    stage.closeViewers();
    await cluster.close();
    await Promise.all([cluster.removeLogs(), rm(folder, { recursive: true, force: true })]);
  }
};
