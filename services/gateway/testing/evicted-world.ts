import { hash } from 'node:crypto';
import type { OwnedRun, ReadState, RunLog } from '@runnel/coordination';
import { keyName, shardOf, type KeyName, type TestRedis } from '@runnel/coordination/testing';
import { applyEvent, emptyConversation, fromSnapshot, newId, RunnelError } from '@runnel/protocol';
import type { ConversationState, LogEvent, Message } from '@runnel/protocol';
import { createAuditHistory } from '../src/archive/audit-history.ts';
import { readHistory } from '../src/archive/history-source.ts';
import { withRehydration } from '../src/archive/rehydration.ts';

const USER = 'ann';
const MODELS = { count: true };
const LEASE_MS = 3_000;

/** A conversation of one person on a real store, the pod that writes its answer, a reader, and a database that may be away. */
export class EvictedWorld {
  readonly database: 'up' | 'away';
  readonly conversationId = newId();
  /** What a gateway asks: the store, and the database behind it. */
  readonly door: RunLog;
  readonly #store: RunLog;
  readonly #redis: Pick<TestRedis, 'cli'>;
  readonly #audit;
  /** Everything that was finished before the loss. */
  #stored: Message[] = [];
  #screen: ConversationState;
  owned: OwnedRun | null = null;
  text = '';
  /** Which owner had which epoch. */
  readonly #claims = new Map<string, string>();

  constructor(store: RunLog, redis: Pick<TestRedis, 'cli'>, database: 'up' | 'away') {
    this.database = database;
    this.#store = store;
    this.#redis = redis;
    this.#screen = emptyConversation(this.conversationId);
    this.#audit = {
      call: async (path: string) => {
        if (database === 'away') throw new RunnelError('unavailable');
        const before = new URL(path, 'http://audit').searchParams.get('before');
        const end = before === null ? this.#stored.length : this.#stored.findIndex(({ messageId }) => messageId === before);
        return { status: 200, body: { messages: this.#stored.slice(0, Math.max(0, end)), hasMore: false, title: 'Its title' } };
      },
    };
    this.door = withRehydration(store, this.#audit);
  }

  async turn(name: string, text: string): Promise<void> {
    await this.prompt(`q${name}`, `a${name}`);
    await this.claim(`a${name}`);
    await this.write(text);
    await this.end();
  }

  prompt = (messageId: string, runId: string, parentId?: string) =>
    this.door.beginRun({
      conversationId: this.conversationId,
      userId: USER,
      runId,
      model: 'count',
      message: { messageId, text: `text of ${messageId}` },
      ...(parentId !== undefined && { parentId }),
      title: 'Its title',
    });

  regenerate = (parentId: string, runId: string) =>
    this.door.beginRun({ conversationId: this.conversationId, userId: USER, runId, model: 'count', message: null, parentId, title: '' });

  async claim(runId: string, owner = 'pod-a'): Promise<string> {
    const claim = await this.#store.claimRun({ conversationId: this.conversationId, runId, owner, leaseMs: LEASE_MS, models: MODELS });
    if (claim.outcome !== 'claimed') return claim.outcome;
    const key = `${runId}:${claim.epoch}`;
    if (this.#claims.has(key)) throw new Error(`${owner} has epoch ${claim.epoch} of ${this.#claims.get(key)}`);
    this.#claims.set(key, owner);
    this.owned = { conversationId: this.conversationId, runId, epoch: claim.epoch };
    this.text = claim.text;
    this.#owner = owner;
    this.#path = claim.messages;
    this.#run = claim.run;
    return 'claimed';
  }
  #owner = '';
  #path: Message[] = [];
  #run: { runId: string; parentId: string | null; model: string; startedAt: number } | null = null;

  /** As the pod does: what the store lost is written again. */
  async #whole<T extends { outcome: string }>(attempt: () => Promise<T>): Promise<T> {
    const result = await attempt();
    if (result.outcome !== 'gone' && result.outcome !== 'gap') return result;
    const restored = await this.#store.restoreRun({
      ...this.owned!,
      owner: this.#owner,
      leaseMs: LEASE_MS,
      newLogId: newId(),
      userId: USER,
      title: 'Its title',
      run: this.#run!,
      text: this.text,
      messages: this.#path,
    });
    return restored.outcome === 'restored' ? attempt() : result;
  }

  async write(text: string): Promise<string> {
    const at = Buffer.byteLength(this.text);
    const { outcome } = await this.#whole(() => this.#store.appendChunk({ ...this.owned!, at, text, t: 1 }));
    if (outcome === 'appended') this.text += text;
    return outcome;
  }

  async renew(): Promise<string> {
    const key = `${this.conversationId}:${this.owned!.runId}`;
    const renewed = async () => ({ outcome: (await this.#store.renewLeases(this.#owner, LEASE_MS, [this.owned!])).get(key)! });
    return (await this.#whole(renewed)).outcome;
  }

  async end(reason: 'complete' | 'cancelled' = 'complete'): Promise<string> {
    const told = { reason, bytes: Buffer.byteLength(this.text), sha256: hash('sha256', this.text, 'hex') } as const;
    return (await this.#whole(() => this.#store.endRun({ ...this.owned!, ...told }))).outcome;
  }

  cancel = (runId: string) => this.door.cancelRun({ conversationId: this.conversationId, runId, userId: USER });

  /** As the gateway does a moment after a cancel that nobody carried out. */
  async finishCancel(): Promise<void> {
    const state = await this.#store.readState({ conversationId: this.conversationId });
    if (state.kind !== 'snapshot' || !state.run) return;
    const { runId, text } = state.run;
    const frozen = { bytes: Buffer.byteLength(text), sha256: hash('sha256', text, 'hex') };
    await this.#store.endRun({ conversationId: this.conversationId, runId, epoch: null, reason: 'cancelled', ...frozen });
  }

  deleteMessage = (messageId: string) => this.door.deleteMessage({ conversationId: this.conversationId, userId: USER, messageId });

  /** The owner is dead, and its lease is over. */
  async lapse(runId: string): Promise<void> {
    await this.#cli('HINCRBY', 'owner', runId, 'expires', '-100000');
    await this.#redis.cli('ZADD', this.#key('leases', runId), 'XX', '1', `${this.conversationId}:${runId}`);
    await this.#cli('HDEL', 'owner', runId, 'none');
    if ((await this.#cli('HLEN', 'owner', runId)) === 1) await this.#cli('DEL', 'owner', runId);
  }

  /** Of what a shard shares, its own part: other conversations are in it. */
  async evict(key: KeyName, runId: string): Promise<void> {
    if (key === 'leases' || key === 'queued') await this.#redis.cli('ZREM', this.#key(key, runId), `${this.conversationId}:${runId}`);
    else await this.#cli('DEL', key, runId);
  }
  #key = (key: KeyName, runId: string): string =>
    keyName(key, { shard: shardOf(this.conversationId), conversationId: this.conversationId, runId, userId: USER });
  #cli = (command: string, key: KeyName, runId: string, ...rest: string[]) => this.#redis.cli(command, this.#key(key, runId), ...rest);

  isFound = async (runId: string): Promise<boolean> => {
    const free = await this.#store.findFreeRuns(100_000, { models: MODELS });
    return free.some((run) => run.conversationId === this.conversationId && run.runId === runId);
  };

  read = (cursor?: { logId: string; offset: number }): Promise<ReadState> =>
    this.door.readState({ conversationId: this.conversationId, userId: USER, ...(cursor && { cursor }) });

  /** A reader catches up, as a client applies it; what is on the screen. */
  async follow(): Promise<ConversationState> {
    const { logId, offset } = this.#screen;
    let state = await this.read(logId === null ? undefined : { logId, offset });
    for (const { json } of state.kind === 'tail' ? state.entries : []) {
      const applied = applyEvent(this.#screen, JSON.parse(json) as LogEvent);
      if (applied.kind === 'applied') this.#screen = applied.state;
      else if (applied.kind === 'gap') state = await this.read();
    }
    if (state.kind === 'snapshot') this.#screen = this.#shownBy(state);
    else if (state.kind !== 'tail') this.#screen = emptyConversation(this.conversationId);
    return this.#screen;
  }
  #shownBy = ({ logId, offset, title, messages, run, hasMore }: Extract<ReadState, { kind: 'snapshot' }>): ConversationState =>
    fromSnapshot({ type: 'snapshot', conversationId: this.conversationId, logId, offset, title, messages, run, hasMore });

  /** A page that is opened now. */
  async open(): Promise<ConversationState> {
    const state = await this.read();
    return state.kind === 'snapshot' ? this.#shownBy(state) : emptyConversation(this.conversationId);
  }

  page = () =>
    readHistory(this.door, createAuditHistory(this.#audit), { conversationId: this.conversationId, userId: USER, limit: 50 }).catch(
      () => null,
    );

  /** Nothing of it stands before other conversations' runs. */
  leave = () => this.#store.deleteConversation({ conversationId: this.conversationId, userId: USER });

  /** The database has heard of everything so far. */
  async store(): Promise<void> {
    this.#stored = [...(await this.follow()).messages];
  }
}
