import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Random } from '../../harness/random.ts';
import type { Scenario } from '../../harness/scenario.ts';
import { elapse, waitFor } from '../../harness/wait.ts';
import { freePort } from '@runnel/kit/testing';

const ROUNDS = 10;
const RUNS = 12;
const MAIN = join(import.meta.dirname, '../../../services/standalone/src/main.ts');

interface Told {
  conversationId: string;
  messageId: string;
  runId: string;
  /** The prompt was answered `202`. */
  accepted: boolean;
  /** Of the `run-ended` that was shown. */
  sha256: string | null;
}

/** `npm start` as a process of its own, on loopback. */
class Standalone {
  readonly #origin: string;
  readonly #process: ChildProcess;

  constructor(port: number, internalPort: number, dataDir: string) {
    this.#origin = `http://127.0.0.1:${port}`;
    const env = { ...process.env, PORT: String(port), INTERNAL_PORT: String(internalPort), DATA_DIR: dataDir, MAX_RUNS: '100' };
    const more = { AUTH_MODE: 'dev', RATE_LIMIT_PER_MINUTE: '100000', MAX_RUNS_PER_USER: '0', HOST: '127.0.0.1', LOG_LEVEL: 'silent' };
    this.#process = spawn(process.execPath, [MAIN], { env: { ...env, ...more }, stdio: 'ignore' });
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.#origin}${path}${path.includes('?') ? '&' : '?'}user_id=ann`, init);
  }

  async ready(): Promise<void> {
    await waitFor(async () => (await this.fetch('/api/models').catch(() => null))?.ok === true, { deadlineMs: 30_000, what: 'npm start' });
  }

  /** A prompt whose acknowledgement and end are noted the moment they arrive. */
  async ask(told: Told, words: number): Promise<void> {
    const { conversationId, messageId, runId } = told;
    // It breaks when the process is killed.
    const reading = this.#read(told).catch(() => undefined);
    const body = JSON.stringify({ conversationId, messageId, runId, text: `count ${words} at 400`, model: 'count' });
    const answer = await this.fetch('/api/chat', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    told.accepted = answer.status === 202;
    await reading;
  }

  async #read(told: Told): Promise<void> {
    const response = await this.fetch(`/api/conversations/${told.conversationId}/events`);
    let text = '';
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
      text += part;
      const [, end] = /event: run-ended\ndata: (.*)\n/.exec(text) ?? [];
      if (end === undefined) continue;
      const { sha256 = null } = JSON.parse(end) as { sha256?: string };
      told.sha256 = sha256;
      return;
    }
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
  }
}

/** Kills it some milliseconds before, at or after the ends of many answers. */
const round = async (pod: Standalone, random: Random): Promise<{ told: Told[]; afterEndMs: number }> => {
  const told = Array.from({ length: RUNS }, (): Told => ({
    ...{ conversationId: randomUUID(), messageId: randomUUID(), runId: randomUUID() },
    ...{ accepted: false, sha256: null },
  }));
  const asking = told.map((run) => pod.ask(run, random.between(1, 12)).catch(() => undefined));
  await waitFor(() => told.some(({ sha256 }) => sha256 !== null), { deadlineMs: 20_000, what: 'a first end', everyMs: 1 });
  const afterEndMs = random.between(0, 20);
  await elapse(afterEndMs);
  await pod.kill();
  await Promise.all(asking);
  return { told, afterEndMs };
};

type Page = { messages: { messageId: string; status: string; text: string }[] };

const lostOf = async (pod: Standalone, told: readonly Told[]): Promise<string[]> => {
  const lost: string[] = [];
  for (const { conversationId, messageId, runId, accepted, sha256 } of told) {
    const answer = await pod.fetch(`/api/history/${conversationId}`);
    const { messages = [] } = (answer.ok ? await answer.json() : {}) as Partial<Page>;
    if (accepted && !messages.some((m) => m.messageId === messageId)) lost.push(`prompt ${messageId}`);
    if (sha256 === null) continue;
    const message = messages.find((m) => m.messageId === runId);
    const stands = createHash('sha256')
      .update(message?.text ?? '')
      .digest('hex');
    if (message?.status !== 'complete' || stands !== sha256) lost.push(`answer ${runId}: ${message?.status ?? 'gone'}`);
    const verified = (await (await pod.fetch(`/api/conversations/${conversationId}/verify`)).json()) as { problems: string[] };
    lost.push(...verified.problems);
  }
  return lost;
};

export const killedScenarios: Scenario[] = [
  {
    name: 'trust-npm-start-killed-at-an-end',
    promise: 'B10 P-1 W-11',
    cluster: { gateways: 1, ai: 1 },
    deadlineMs: 240_000,
    run: async (stage) => {
      const dataDir = await mkdtemp(join(tmpdir(), 'runnel-killed-'));
      const ports = [await freePort(), await freePort()] as const;
      let pod = new Standalone(...ports, dataDir);
      let [answers, prompts] = [0, 0];
      try {
        for (let n = 0; n < ROUNDS; n++) {
          await pod.ready();
          const { told, afterEndMs } = await round(pod, stage.random);
          pod = new Standalone(...ports, dataDir);
          await pod.ready();
          const lost = await lostOf(pod, told);
          if (lost.length > 0) throw new Error(`killed ${afterEndMs} ms after the first end: ${lost.join('; ')}`);
          answers += told.filter(({ sha256 }) => sha256 !== null).length;
          prompts += told.filter(({ accepted }) => accepted).length;
        }
      } finally {
        await pod.kill();
        await rm(dataDir, { recursive: true, force: true });
      }
      stage.note(`${ROUNDS} kills: ${answers} answers shown whole and ${prompts} prompts accepted, none lost`);
    },
  },
];
