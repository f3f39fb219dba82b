import type { Client, ConversationSummary, Feedback, Person, SavedPrompt, Settings } from '@runnel/client';
import { RunnelError, type ErrorCode } from '@runnel/protocol';

export interface FakePerson extends Pick<Client, 'place' | 'deleteConversation'> {
  /** Conversations that this server will not change. */
  readonly refused: Set<string>;
  readonly person: Person;
  readonly feedback: Map<string, Feedback[]>;
  readonly prompts: SavedPrompt[];
  settings: Settings;
  /** Every call is refused with it; `not-found`: a server of an earlier release. */
  fails: ErrorCode | null;
  /** Answers wait until it is called; null: they come at once. */
  release: (() => void) | null;
  /** Answers wait from now on. */
  hold(): void;
  /** What an export is, as the server sends it. */
  file: string;
}

const lineOf = (value: object): string => `${JSON.stringify(value)}\n`;

/** What a server keeps of one person. */
export const createFakePerson = (calls: string[], list: ConversationSummary[]): FakePerson => {
  let gate = Promise.resolve();
  const answer = async <T>(call: string | null, work: () => T): Promise<T> => {
    if (call !== null) calls.push(call);
    await gate;
    if (kept.fails !== null) throw new RunnelError(kept.fails);
    return work();
  };
  const change = (id: string, next: (before: ConversationSummary) => ConversationSummary[]): void => {
    if (kept.refused.has(id)) throw new RunnelError('forbidden');
    const at = list.findIndex(({ conversationId }) => conversationId === id);
    if (at >= 0) list.splice(at, 1, ...next(list[at]!));
  };
  const kept: FakePerson = {
    refused: new Set(),
    place: (id, { pinned, archived, folder }) =>
      answer(`place ${id} ${JSON.stringify({ pinned, archived, folder })}`, () =>
        change(id, ({ pinned: was, folder: stood, ...item }) => {
          const [stays, name] = [pinned ?? was === true, folder === undefined ? stood : (folder ?? undefined)];
          return archived === true ? [] : [{ ...item, ...(stays && { pinned: true }), ...(name !== undefined && { folder: name }) }];
        }),
      ),
    deleteConversation: (id) => answer(`deleteConversation ${id}`, () => change(id, () => [])),
    feedback: new Map(),
    prompts: [
      { name: 'summary', text: 'Sum this up in five sentences, for somebody in a hurry:', updatedAt: 1 },
      { name: 'thư', text: 'Viết một lá thư ngắn và lịch sự về việc sau:', updatedAt: 2 },
      { name: 'review', text: 'Review this change. What breaks, and for whom?', updatedAt: 3 },
    ],
    settings: {},
    fails: null,
    release: null,
    file: lineOf({ type: 'export', version: 1 }) + lineOf({ type: 'end', conversations: 0, messages: 0, files: 0, keys: 0 }),
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      kept.release = resolve;
    },
    person: {
      feedback: (id) => answer(null, () => kept.feedback.get(id) ?? []),
      rate: (id, messageId, rating, reason = '') =>
        answer(`rate ${messageId} ${rating}${reason && ` ${reason}`}`, () => {
          const others = (kept.feedback.get(id) ?? []).filter((one) => one.messageId !== messageId);
          kept.feedback.set(id, rating === null ? others : [...others, { messageId, rating, ...(reason !== '' && { reason }) }]);
        }),
      prompts: () => answer(null, () => ({ prompts: [...kept.prompts], limit: 200 })),
      keepPrompt: (name, text) =>
        answer(`keepPrompt ${name}`, () => {
          const prompt = { name, text, updatedAt: Date.now() };
          kept.prompts.splice(0, Infinity, ...kept.prompts.filter((one) => one.name !== name), prompt);
          return prompt;
        }),
      deletePrompt: (name) =>
        answer(`deletePrompt ${name}`, () => void kept.prompts.splice(0, Infinity, ...kept.prompts.filter((one) => one.name !== name))),
      settings: () => answer(null, () => ({ ...kept.settings })),
      changeSettings: (patch) =>
        answer(`changeSettings ${JSON.stringify(patch)}`, () => (kept.settings = { ...kept.settings, ...(patch as Settings) })),
      folders: () =>
        answer(null, () => {
          const names = list.flatMap(({ folder }) => folder ?? []);
          return [...new Set(names)].sort().map((name) => ({ name, count: names.filter((one) => one === name).length }));
        }),
      everything: (signal) =>
        answer('everything', () => {
          signal?.throwIfAborted();
          return new Response(kept.file);
        }),
    },
  };
  return kept;
};
