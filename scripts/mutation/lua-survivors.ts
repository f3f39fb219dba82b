/** Mutants that may live, by `<file>: <line>: <change>`, and why no test can or should notice them. */
export const REASONS: Readonly<Record<string, string>> = {
  'append-chunk.lua: if bytes == 0 then: always': 'The text expires a day after its last chunk, not after its first: only longer.',
  'append-chunk.lua: if offset % 64 == 0 then: always': 'The log is trimmed to the same bound, only more often.',
  'cancel-run.lua: if held[1] == runId then: always':
    'A running run is the active one of its conversation: the record of the owner names it, or nobody, and then nobody may write already.',
  "end-run.lua: if value ~= '' then: never": 'Our callers send what JSON.stringify made; the check is for a caller that does not.',
  "end-run.lua: redis.call('ZREM', queued, member): left out": 'find-free-runs drops what is over from both lists; here it is only sooner.',
  "end-run.lua: redis.call('ZREM', leases, member): left out": 'find-free-runs drops what is over from both lists; here it is only sooner.',
};
