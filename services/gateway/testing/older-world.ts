import { hash } from 'node:crypto';
import type { RunLog } from '@runnel/coordination';
import { newId, RunnelError, type Message } from '@runnel/protocol';
import { withRehydration } from '../src/archive/rehydration.ts';

const USER = 'ann';
const MODELS = { count: true };
/** As many as a store keeps of a conversation. */
const KEPT = 200;
const GIVEN = 216;

export type Database = 'up' | 'away' | 'hangs';
export type Action = 'edit' | 'regenerate' | 'continue' | 'delete';
export type Outcome = { outcome: string; path?: string[] };

/** A conversation that is longer than what a store keeps of it, the database that has all of it, and the pod that answers. */
export class OlderWorld {
  readonly conversationId = newId();
  readonly #store: RunLog;
  #door: RunLog;
  /** What the database has, in order of creation. */
  readonly all = new Map<string, Message>();
  #database: Database = 'up';

  constructor(store: RunLog) {
    this.#store = store;
    this.#door = this.#gateway();
    let parentId: string | null = null;
    for (let i = 0; i < GIVEN; i++) {
      const role = i % 2 === 0 ? ('user' as const) : ('assistant' as const);
      const messageId = `t${i}-${this.conversationId.slice(0, 8)}`;
      this.all.set(messageId, { messageId, parentId, role, text: `text ${i}`, status: 'complete', createdAt: 1_000 + i });
      parentId = messageId;
    }
  }

  /** Who waits for a database that hangs waits shortly; one that answers is not called slow for what else the machine has to do. */
  #gateway = (): RunLog => {
    const slowMs = this.#database === 'hangs' ? 20 : 10_000;
    return withRehydration(this.#store, { call: (path, options) => this.#answer(path, options?.userId) }, undefined, slowMs);
  };

  get database(): Database {
    return this.#database;
  }

  /** Another gateway is asked from then on, which has heard of no outage yet. */
  set database(state: Database) {
    this.#database = state;
    this.#door = this.#gateway();
  }

  async #answer(path: string, userId: string | undefined): Promise<{ status: number; body: unknown }> {
    if (this.#database === 'hangs') await new Promise((resolve) => setTimeout(resolve, 600).unref());
    if (this.#database !== 'up') throw new RunnelError('unavailable');
    if (userId !== USER) return { status: 403, body: null };
    const [, leaf] = /\/thread\/([^?]+)/.exec(path) ?? [];
    const messages = leaf === undefined ? [...this.all.values()].slice(-KEPT) : this.pathTo(leaf).slice(-KEPT);
    if (messages.length === 0) return { status: 404, body: {} };
    return { status: 200, body: { messages, hasMore: this.all.size > messages.length, title: 'text 0' } };
  }

  pathTo(leaf: string): Message[] {
    const path: Message[] = [];
    for (let message = this.all.get(leaf); message; message = this.all.get(message.parentId ?? '')) path.unshift(message);
    return path;
  }

  /** The store has the newest of it. */
  async bringBack(): Promise<void> {
    await this.#door.readState({ conversationId: this.conversationId, userId: USER });
  }

  /** Turns that the store has heard of and, being the oldest by then, keeps no more. */
  async pushOut(turns: number): Promise<void> {
    for (let i = 0; i < turns; i++) await this.act('edit', [...this.all.keys()].at(-1)!);
  }

  async isHere(messageId: string): Promise<boolean> {
    const page = await this.#store.readHistory({ conversationId: this.conversationId, userId: USER, limit: KEPT });
    return page.kind === 'page' && page.messages.some((message) => message.messageId === messageId);
  }

  /** What somebody does to a message that they see: below it, to it, or to the question above it. */
  async act(action: Action, messageId: string): Promise<Outcome> {
    const { conversationId } = this;
    if (action === 'delete') return this.#delete(messageId);
    const message = this.all.get(messageId);
    const runId = newId();
    const asked = { conversationId, userId: USER, runId, model: 'count', title: 'text 0' };
    const again = { ...asked, message: null, parentId: message?.role === 'assistant' ? message.parentId : messageId };
    const said = { messageId: newId(), text: 'and now?' };
    const command =
      action === 'edit'
        ? { ...asked, message: said, parentId: messageId }
        : action === 'continue' && message?.role === 'assistant'
          ? { ...again, continues: messageId }
          : again;
    const begun = await outcomeOf(this.#door.beginRun(command));
    if (begun.outcome !== 'started') return begun;
    const path = await this.#finish(runId);
    const [createdAt, leaf] = [1_000 + this.all.size, action === 'edit' ? said.messageId : again.parentId];
    if (action === 'edit') this.all.set(said.messageId, { ...said, parentId: messageId, role: 'user', status: 'complete', createdAt });
    const text = action === 'continue' ? (message?.text ?? '') : '';
    this.all.set(runId, { messageId: runId, parentId: leaf, role: 'assistant', text: `${text}x`, status: 'complete', createdAt });
    return { outcome: 'started', path };
  }

  async #delete(messageId: string): Promise<Outcome> {
    const gone = await outcomeOf(this.#door.deleteMessage({ conversationId: this.conversationId, userId: USER, messageId }));
    const message = this.all.get(messageId);
    if (gone.outcome === 'done' && message) this.all.set(messageId, { ...message, text: '', status: 'deleted' });
    return gone;
  }

  /** A pod claims it, gives it back as one that drains, and another writes it to its end: what it was asked, by ids. */
  async #finish(runId: string): Promise<string[]> {
    const claim = { conversationId: this.conversationId, runId, leaseMs: 3_000, models: MODELS };
    await this.#store.claimRun({ ...claim, owner: 'pod-a' });
    await this.#store.releaseRun({ conversationId: this.conversationId, runId, epoch: 1 });
    const claimed = await this.#store.claimRun({ ...claim, owner: 'pod-b' });
    if (claimed.outcome !== 'claimed' || claimed.spoilt) throw new Error(`${claimed.outcome} of ${runId}`);
    const owned = { conversationId: this.conversationId, runId, epoch: claimed.epoch };
    await this.#store.appendChunk({ ...owned, at: Buffer.byteLength(claimed.text), text: 'x', t: 1 });
    const text = `${claimed.text}x`;
    const end = { reason: 'complete', bytes: Buffer.byteLength(text), sha256: hash('sha256', text, 'hex') } as const;
    const { outcome } = await this.#store.endRun({ ...owned, ...end });
    if (outcome !== 'ended') throw new Error(`${outcome} of ${runId}`);
    return claimed.messages.map(({ messageId }) => messageId);
  }

  async title(): Promise<string> {
    const state = await this.#store.readState({ conversationId: this.conversationId });
    return state.kind === 'snapshot' ? state.title : state.kind;
  }
}

const outcomeOf = async (result: Promise<{ outcome: string }>): Promise<Outcome> =>
  result.then(
    ({ outcome }) => ({ outcome }),
    (error: unknown) => ({ outcome: error instanceof RunnelError ? error.code : String(error) }),
  );
