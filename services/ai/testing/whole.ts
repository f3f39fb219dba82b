import { hash } from 'node:crypto';
import type { RunLog, RunRef } from '@runnel/coordination';
import { silentLog } from '@runnel/kit';
import { newId, type Cursor, type EndReason, type Message } from '@runnel/protocol';
import type { Clock } from '../src/runs/clock.ts';
import type { Claim } from '../src/run/run-job.ts';
import { Witness } from '../src/runs/end-witness.ts';
import { memoryWhole, type WholeStore } from './whole-store.ts';

const LEASE_MS = 3_000;
const MODELS = { count: true };

interface Running extends RunRef {
  claim: Claim;
  text: string;
}

/** An AI pod without its timers: the test says when it looks, speaks, ends and renews. */
interface ModelPod {
  name: string;
  witness: Witness;
  running: Map<string, Running>;
  /** Has heard that the store changed, and has not looked yet. */
  mustRepair: boolean;
  close(): Promise<void>;
}

/** What an end is in the outbox. */
interface Ended {
  runId: string;
  parentId: string | null;
  text: string;
  reason: EndReason;
  startedAt: number;
}

interface ModelClient {
  conversationId: string;
  cursor: Cursor | null;
  /** Answers whose end it has seen. */
  ended: Set<string>;
}

/** Clients, gateways, pods and a database around one store that may go back to an older copy of itself at any moment. */
export class Whole {
  readonly store: WholeStore;
  readonly log: RunLog;
  readonly problems: string[] = [];
  readonly pods: ModelPod[] = [];
  readonly clients: ModelClient[] = [];
  /** What anybody was shown as ended. */
  readonly shown = new Map<string, Message>();
  /** The database: by conversation, in the order they came. */
  readonly database = new Map<string, Map<string, Message>>();
  readonly #events = new Map<string, string>();
  #asked = 0;
  #ids = 0;

  constructor(store: WholeStore = memoryWhole()) {
    this.store = store;
    this.log = store.log;
    for (const conversationId of ['c1', 'c2', 'c1']) this.clients.push({ conversationId, cursor: null, ended: new Set() });
    this.addPod();
    this.addPod();
  }

  async #heard(): Promise<void> {
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    // Over a network the answers come behind those of a question that was asked later.
    for (let turn = 0; turn < this.store.turns; turn++) await this.log.ping();
  }

  addPod(): void {
    const clock: Clock = {
      now: () => this.store.now(),
      wall: () => this.store.now(),
      // Long enough for every hint to have been heard and answered.
      sleep: () => this.#heard(),
    };
    const archive = async (run: RunRef, claim: Claim) => this.#fromDatabase(run, claim);
    const witness = new Witness({ runLog: this.log, archive, log: silentLog, clock });
    const pod: ModelPod = { name: `pod-${++this.#ids}`, witness, running: new Map(), mustRepair: false, close: async () => {} };
    void this.log.onWork((hint) => void witness.hear(hint)).then((subscription) => (pod.close = () => subscription.close()));
    this.pods.push(pod);
  }

  /** After each step: what was written has one history. */
  async look(): Promise<void> {
    await this.store.look((key, json) => {
      const before = this.#events.get(key);
      if (before !== undefined && before !== json) this.problems.push(`one logId, two histories: ${before} and ${json}`);
      this.#events.set(key, json);
    });
  }

  async die(index: number): Promise<void> {
    const [pod] = this.pods.splice(index % this.pods.length, 1);
    await pod?.close();
    this.addPod();
  }

  async prompt(client: number): Promise<void> {
    const { conversationId } = this.#client(client);
    await this.read(client);
    const id = ++this.#ids;
    const message = { messageId: `m${id}`, text: `question ${id}` };
    await this.log.beginRun({ conversationId, userId: 'ann', runId: `r${id}`, model: 'count', message, title: 'T' });
  }

  /** A sweep of one pod, as the worker does it. */
  async sweep(index: number): Promise<void> {
    const pod = this.#pod(index);
    for (const ref of await this.log.findFreeRuns(10)) {
      if (await pod.witness.repair(ref)) continue;
      const claim = await this.log.claimRun({ ...ref, owner: pod.name, leaseMs: LEASE_MS, models: MODELS });
      if (claim.outcome !== 'claimed') continue;
      if (claim.doubt !== undefined && (await pod.witness.lookFor(ref, claim)) === 'ended') continue;
      const run = { ...ref, claim, text: claim.text };
      pod.running.set(ref.runId, run);
      if (claim.doubt === 'lost' && claim.epoch > 1) {
        await this.#end(pod, run, 'interrupted');
        continue;
      }
      this.#asked++;
      const knower = this.pods.find(({ witness }) => witness.knows(ref));
      if (knower) this.problems.push(`a model was asked again for ${ref.runId}, whose end ${knower.name} knows`);
      if (this.database.get(ref.conversationId)?.has(ref.runId))
        this.problems.push(`a model was asked again for ${ref.runId} of the database`);
    }
  }

  async speak(index: number): Promise<void> {
    const pod = this.#pod(index);
    for (const run of pod.running.values()) {
      // Never the same twice.
      const text = `v${this.#asked}.${++this.#ids} `;
      const { conversationId, runId, claim } = run;
      const at = Buffer.byteLength(run.text);
      const { outcome } = await this.log.appendChunk({ conversationId, runId, epoch: claim.epoch, at, text, t: this.store.now() });
      if (outcome === 'appended') run.text += text;
      else await this.#refused(pod, run, outcome);
    }
  }

  async end(index: number): Promise<void> {
    const pod = this.#pod(index);
    for (const run of pod.running.values()) await this.#end(pod, run, 'complete');
  }

  async #end(pod: ModelPod, run: Running, reason: 'complete' | 'interrupted'): Promise<void> {
    const { conversationId, runId, claim, text } = run;
    const { epoch, userId, title, messages } = claim;
    const standing = { bytes: Buffer.byteLength(text), sha256: hash('sha256', text, 'hex') };
    const end = { conversationId, runId, epoch, reason, ...standing };
    const { outcome } = await this.log.endRun(end);
    if (outcome !== 'ended') return this.#refused(pod, run, outcome);
    pod.witness.remember({ ...end, userId, title, run: claim.run, messages, text });
    pod.running.delete(runId);
  }

  /** L-6, or it is no longer ours. */
  async #refused(pod: ModelPod, run: Running, outcome: string): Promise<void> {
    if (outcome === 'fenced' || outcome === 'closed') return void pod.running.delete(run.runId);
    if (outcome !== 'gap' && outcome !== 'gone') return;
    const { conversationId, claim, text } = run;
    const { userId, title, messages, epoch } = claim;
    const held = {
      conversationId,
      runId: run.runId,
      epoch,
      owner: pod.name,
      leaseMs: LEASE_MS,
      userId,
      title,
      run: claim.run,
      messages,
      text,
    };
    const restored = await this.log.restoreRun({ ...held, newLogId: newId() });
    if (restored.outcome === 'fenced' || restored.outcome === 'closed') pod.running.delete(run.runId);
  }

  /** Time passes; who lives renews and sweeps in time, and has looked for its ends before the second of grace is over. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) {
      for (const pod of this.pods) await this.#beat(pod);
      for (const index of this.pods.keys()) await this.sweep(index);
      await this.store.pass(Math.min(500, left));
    }
  }

  async #beat(pod: ModelPod): Promise<void> {
    if (pod.mustRepair) await pod.witness.repairAll();
    pod.mustRepair = false;
    for (const run of pod.running.values()) {
      const owned = { conversationId: run.conversationId, runId: run.runId, epoch: run.claim.epoch };
      const outcomes = await this.log.renewLeases(pod.name, LEASE_MS, [owned]);
      await this.#refused(pod, run, outcomes.get(run.runId) ?? 'renewed');
    }
  }

  async failover(): Promise<void> {
    await this.store.failover();
    for (const pod of this.pods) pod.mustRepair = true;
  }

  /** The outbox reaches the database. */
  async relay(): Promise<void> {
    for (const fields of await this.store.takeEvents()) {
      const data = JSON.parse(fields.data) as Record<string, unknown>;
      const rows = this.database.get(fields.conversation) ?? new Map<string, Message>();
      this.database.set(fields.conversation, rows);
      const put = (message: Message): void => {
        if (!rows.has(message.messageId)) rows.set(message.messageId, message);
      };
      if (fields.type === 'CHAT_MESSAGE') put(data['message'] as Message);
      else if (Array.isArray(data['messages'])) for (const message of data['messages'] as Message[]) put(message);
      else if (typeof data['text'] === 'string') {
        const { runId, parentId, text, reason, startedAt } = data as unknown as Ended;
        put({ messageId: runId, parentId, role: 'assistant', text, status: reason, model: 'count', createdAt: startedAt });
      }
    }
  }

  async #fromDatabase(run: RunRef, { epoch, userId, title, run: claimed, messages }: Claim) {
    const row = this.database.get(run.conversationId)?.get(run.runId);
    if (!row) return null;
    const { text } = row;
    const standing = { bytes: Buffer.byteLength(text), sha256: hash('sha256', text, 'hex') };
    return { ...run, epoch, userId, title, run: claimed, messages, text, reason: row.status as 'complete', ...standing };
  }

  /** As a gateway reads for a client: what may lack its tail is filled from the database first. */
  async read(client: number): Promise<void> {
    const reader = this.#client(client);
    const { conversationId } = reader;
    const ask = () => this.log.readState({ conversationId, userId: 'ann', cursor: reader.cursor });
    let state = await ask();
    const messages = [...(this.database.get(conversationId)?.values() ?? [])];
    if (state.kind === 'snapshot' ? state.lossy : state.kind === 'none' && messages.length > 0) {
      await this.log.rehydrate({ conversationId, userId: 'ann', title: 'T', hasMore: false, messages });
      state = await ask();
    }
    // It waits for what it was shown, as a gateway does for it.
    if (state.kind === 'snapshot' && state.behind && this.store.now() - this.store.since() < 6_000) return;
    if (state.kind === 'snapshot') {
      for (const message of state.messages) if (message.role === 'assistant') this.#show(reader, message);
      if (state.run && reader.ended.has(state.run.runId) && this.#isKnown({ conversationId, runId: state.run.runId }))
        this.problems.push(`${state.run.runId} runs again after its end was shown`);
    }
    if (state.kind === 'snapshot' || state.kind === 'tail') reader.cursor = { logId: state.logId, offset: state.offset };
  }

  #show(reader: ModelClient, message: Message): void {
    reader.ended.add(message.messageId);
    const before = this.shown.get(message.messageId);
    if (before && (before.text !== message.text || before.status !== message.status) && this.#wasKept.has(message.messageId))
      this.problems.push(`${message.messageId} was shown as ${before.text} (${before.status}), then ${message.text} (${message.status})`);
    this.shown.set(message.messageId, message);
    this.#wasKept.add(message.messageId);
  }
  readonly #wasKept = new Set<string>();

  /** Whether anybody who lives, or the database, knows this end. What nobody knows any more cannot be kept. */
  #isKnown(run: RunRef): boolean {
    return this.pods.some(({ witness }) => witness.knows(run)) || this.database.get(run.conversationId)?.has(run.runId) === true;
  }

  /** Whoever knew the end of a shown answer is gone, and the store went back behind it: it may end otherwise. */
  async forgetLost(): Promise<void> {
    for (const runId of this.#wasKept) {
      const both = ['c1', 'c2'];
      const isKnown = both.some((conversationId) => this.#isKnown({ conversationId, runId }));
      const isHere = async (): Promise<boolean> => (await Promise.all(both.map((id) => this.store.has(id, runId)))).includes(true);
      if (!isKnown && !(await isHere())) this.#wasKept.delete(runId);
    }
  }

  async lastLook(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      await this.pass(1_500);
      for (const index of this.clients.keys()) await this.read(index);
    }
    for (const [conversationId, rows] of this.database) {
      const state = await this.log.readState({ conversationId });
      const have = new Set(state.kind === 'snapshot' ? [...state.messages.map(({ messageId }) => messageId), state.run?.runId] : []);
      for (const id of rows.keys()) if (state.kind === 'snapshot' && !have.has(id)) this.problems.push(`${id} of the database is missing`);
    }
  }

  #pod(index: number): ModelPod {
    return this.pods[index % this.pods.length]!;
  }
  #client(index: number): ModelClient {
    return this.clients[index % this.clients.length]!;
  }
}
