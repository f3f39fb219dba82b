import type { ConversationSummary } from '@runnel/client';
import type { ConversationState } from '@runnel/protocol';
import { clear, createStore, del, get, set, update } from 'idb-keyval';
import { expired, keepable, type KeptIndex } from '../../lib/conversation/kept.ts';
import { storedName } from '../../lib/session/base.ts';

/** Another shape of what is kept has another name: what a newer page has left is not read wrongly by an older one. */
const store = createStore(storedName('runnel-kept-1'), 'conversations');
const OWNER = 'owner';
const LIST = 'list';
const INDEX = 'index';
const keyOf = (conversationId: string): string => `c:${conversationId}`;
/** Of the list, the newest. */
const MOST_LISTED = 100;

/** Where the browser forbids storage, or it is full, nothing is kept. */
const quietly = async <T>(work: () => Promise<T>, otherwise: T): Promise<T> => {
  try {
    return await work();
  } catch {
    return otherwise;
  }
};

/** One thing at a time: what is cleared for another person is not written to by what was on its way. */
let last: Promise<unknown> = Promise.resolve();
const inTurn = <T>(work: () => Promise<T>, otherwise: T): Promise<T> => {
  const mine = last.then(() => quietly(work, otherwise));
  last = mine;
  return mine;
};

const drop = async (gone: readonly string[]): Promise<void> => {
  if (gone.length === 0) return;
  await update<KeptIndex>(INDEX, (index = {}) => Object.fromEntries(Object.entries(index).filter(([id]) => !gone.includes(id))), store);
  for (const id of gone) await del(keyOf(id), store);
};

/** What is kept is this person's from now on; another's goes. */
export const claimKept = (owner: string): Promise<void> =>
  inTurn(async () => {
    if ((await get<string>(OWNER, store)) === owner) return;
    await clear(store);
    await set(OWNER, owner, store);
  }, undefined);

export const forgetKept = (): Promise<void> => inTurn(() => clear(store), undefined);

const isFor = async (owner: string): Promise<boolean> => (await get<string>(OWNER, store)) === owner;

export const keepConversation = (owner: string, state: ConversationState): Promise<void> =>
  inTurn(async () => {
    const kept = keepable(state);
    if (kept === null || !(await isFor(owner))) return;
    await set(keyOf(state.conversationId), kept, store);
    await update<KeptIndex>(INDEX, (index = {}) => ({ ...index, [state.conversationId]: Date.now() }), store);
    await drop(expired((await get<KeptIndex>(INDEX, store)) ?? {}, null, state.conversationId));
  }, undefined);

/** Keeps the list, and lets go of what is not in it. */
export const keepList = (owner: string, listed: readonly ConversationSummary[], current: string | null): Promise<void> =>
  inTurn(async () => {
    if (!(await isFor(owner))) return;
    const plain = listed.slice(0, MOST_LISTED).map(({ conversationId, title, updatedAt }) => ({ conversationId, title, updatedAt }));
    await set(LIST, plain, store);
    await drop(expired((await get<KeptIndex>(INDEX, store)) ?? {}, plain, current));
  }, undefined);

export const keptConversation = (owner: string, conversationId: string): Promise<ConversationState | null> =>
  inTurn(async () => ((await isFor(owner)) ? ((await get<ConversationState>(keyOf(conversationId), store)) ?? null) : null), null);

export const keptList = (owner: string): Promise<readonly ConversationSummary[]> =>
  inTurn(async () => ((await isFor(owner)) ? ((await get<ConversationSummary[]>(LIST, store)) ?? []) : []), []);
