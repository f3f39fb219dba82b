const FITS = 'A shortcut: the walk over the thread, whose text is never longer than its JSON, comes to the same.';

/** Mutants that may live, by `<file>: <line>: <change>`, and why no test can or should notice them. */
export const REASONS: Readonly<Record<string, string>> = {
  "fit.lua: if size <= room * limits.bytesPerToken and #missed == 0 and redis.call('HEXISTS', meta, 'files') == 0 then: never": FITS,
  "fit.lua: if size <= room * limits.bytesPerToken and #missed == 0 and redis.call('HEXISTS', meta, 'files') == 0 then: <= becomes <": FITS,
  'fit.lua: if #kept <= limits.decodedBytes or not above then: <= becomes <':
    'One message of exactly that length is measured as it is stored.',
  'figure.lua: if not number or number ~= number or math.abs(number) > 9007199254740991 then: > becomes >=':
    'No count of ours is that large.',
  "weigh.lua: if part.kind == 'file' then: always": 'Weighed are the parts of questions, and those are files.',
  "vacate.lua: redis.call('PEXPIRE', run, limits.lifeMs): left out": 'A run lives a day from its last change already: only longer.',
  "begin-run.lua: if type(turn) ~= 'table' or type(turn[1]) ~= 'string' or type(turn[2]) ~= 'string' or type(turn[3]) ~= 'string' then: never":
    'Our callers send what has been looked at before; the check is for a caller that does not.',
  'append-chunk.lua: if bytes == 0 then: always': 'The text expires a day after its last chunk, not after its first: only longer.',
  'append-chunk.lua: if offset % limits.trimEvery == 0 then: always': 'The log is trimmed to the same bound, only more often.',
  'append-part-chunk.lua: if bytes == 0 then: always':
    'What is streamed expires a day after its last chunk, not after its first: only longer.',
  'append-part-chunk.lua: if offset % limits.trimEvery == 0 or #chunk > limits.largeChunkBytes then: always':
    'The log is trimmed to the same bound, only more often.',
  'append-part-chunk.lua: if offset % limits.trimEvery == 0 or #chunk > limits.largeChunkBytes then: > becomes >=':
    'One chunk of exactly that length is trimmed behind at once, not within the next 64.',
  'cancel-run.lua: if held[1] == runId then: always':
    'A running run is the active one of its conversation: the record of the owner names it, or nobody, and then nobody may write already.',
  "claim-run.lua: redis.call('ZREM', queued, member): left out":
    'find-free-runs drops what is over from both lists; here it is only sooner.',
  "claim-run.lua: redis.call('ZREM', leases, member): left out":
    'find-free-runs drops what is over from both lists; here it is only sooner.',
  'claim-run.lua: if isLost and tonumber(now) < since + (isHeld and limits.ownerBackMs or limits.endToldMs) then: < becomes <=':
    'One millisecond more of a second, by the clock of the store.',
  'claim-run.lua: touch(meta, log, owner, run, history, order): left out':
    'A run is shorter than a day: what begin-run said of the expiry holds until end-run says it again.',
  "end-run.lua: if value ~= '' then: never": 'Our callers send what JSON.stringify made; the check is for a caller that does not.',
  "end-run.lua: if part[4] ~= '' then: never": 'Our callers send what JSON.stringify made; the check is for a caller that does not.',
  'end-run.lua: if record[6] or #ending > 0 then: always':
    'The first part of a run writes the field, so without it there are none, neither here nor told: none are compared with none.',
  'end-run.lua: if record[6] or #ending > 0 then: > becomes >=':
    'The first part of a run writes the field, so without it there are none, neither here nor told: none are compared with none.',
  "delete-conversation.lua: if message.role == 'user' and message.createdAt > heardAt then: > becomes >=":
    'A question of the very millisecond in which the database heard of the deletion, by two clocks.',
  "delete-message.lua: redis.call('DEL', text): left out":
    'end-run removes the text of an answer, and a running one is not deleted: what is left is of 0.1.0, which kept it for five minutes.',
  'end-run.lua: if record[6] then: always': 'A run without parts has none to drop: the key that would name them is not there.',
  "park-run.lua: if used ~= '' then: never": 'Our callers send what JSON.stringify made; the check is for a caller that does not.',
  'put-part.lua: if index == 0 then: always':
    'What is said with the first part is said again with each: parts live a day from their last one.',
  "read-state.lua: if (redis.call('HGET', store, 'n') or '0') ~= (state[7] or '0') then: always":
    'recheck() compares the same itself: the check before it spares two reads.',
  'use-grant.lua: if minute > grant.usedAt then: > becomes >=': 'The same minute is written once more.',
  'hold-share.lua: if not alive[by] and now - at > limits.newHolderMs then: > becomes >=':
    'One millisecond of half a minute, by the clock of the store.',
  'hold-share.lua: if granted > 0 then: always': 'A share of none is kept for a day at most instead of not at all: it counts as none.',
  'hold-share.lua: if granted > 0 then: > becomes >=':
    'A share of none is kept for a day at most instead of not at all: it counts as none.',
};
