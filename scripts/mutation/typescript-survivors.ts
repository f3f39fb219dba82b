/** Mutants that may live, by the name that `nameOf` gives them, and why no test can or should notice them. */
export const REASONS: Readonly<Record<string, string>> = {
  "packages/protocol/src/position.ts: const match = /^([A-Za-z0-9_-]{1,64}):(\\d{1,15})$/.exec(text ?? '');: ''); → \"Stryker was here!\"":
    'Another text that is no cursor either.',
  "services/audit/src/store/search-words.ts: .replace(/\\p{M}+/gu, ''): /\\p{M}+/gu, '') → /\\p{M}/gu":
    'All are replaced by nothing, one by one or together.',
  'services/audit/src/store/fold.ts: default:: default: → default:': 'Only the compiler reads it: there is no other kind.',
  'services/audit/src/store/fold.ts: session.deletedAt !== null && (time < session.deletedAt || logId === session.deletedLogId);: session.deletedAt !== null && (time < session.deletedAt || logId === session.deletedLogId); → true':
    'Never deleted, both are null: no time is below null, which counts as 0, and no log has that name. The check is for the compiler.',
};
