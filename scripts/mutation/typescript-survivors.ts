/** Mutants that may live, by the name that `nameOf` gives them, and why no test can or should notice them. */
export const REASONS: Readonly<Record<string, string>> = {
  "packages/protocol/src/position.ts: const match = /^([A-Za-z0-9_-]{1,64}):(\\d{1,15})$/.exec(text ?? '');: ''); → \"Stryker was here!\"":
    'Another text that is no cursor either.',
  "services/audit/src/store/search-words.ts: .replace(/\\p{M}+/gu, ''): /\\p{M}+/gu, '') → /\\p{M}/gu":
    'All are replaced by nothing, one by one or together.',
  "services/gateway/src/follow/follower.ts: this.#state = 'retrying';: 'retrying'; → \"\"":
    'Any other word is also one in which nothing is delivered and a timer asks again.',
  'services/gateway/src/follow/follower.ts: if (this.#logId === null) this.#born = logId;: this.#logId === null) this.#born = logId; → true':
    'What was born counts only while no log is known, and a snapshot forgets it.',
  "services/gateway/src/follow/follower.ts: const isChanged = view.kind === 'snapshot' && view.behind;: view.kind === 'snapshot' && view.behind; → true":
    'Only a snapshot says that it is behind: the kind is there for the compiler.',
  'services/audit/src/store/fold.ts: default:: default: → default:': 'Only the compiler reads it: there is no other kind.',
  'services/audit/src/store/fold.ts: session.deletedAt !== null && (time < session.deletedAt || logId === session.deletedLogId);: session.deletedAt !== null && (time < session.deletedAt || logId === session.deletedLogId); → true':
    'Never deleted, both are null: no time is below null, which counts as 0, and no log has that name. The check is for the compiler.',
};
