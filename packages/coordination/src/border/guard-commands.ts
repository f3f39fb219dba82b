import type { RunLog } from '../run-log/run-log.ts';
import * as check from './checks.ts';
import { TAIL_LIMITS } from '../limits.ts';
import { checkOwned, checkRun } from './check-run.ts';
import { checkDecision, checkPark, checkPartChunk, checkPut, checkRelease } from './check-parts.ts';
import { checkMerge, checkPutRecord, checkRecords } from './check-records.ts';
import { BORDER, count, digest, id, list, maybeId, name, object, text, word } from './shapes.ts';

/**
 * The border of every run log: a command has the shape its type says, or it is `bad-frame` and nothing is read or written. Types end
 * where a body was parsed, and Lua has none.
 */
export const guardCommands = <L extends RunLog>(log: L): L => ({
  ...log,
  beginRun: async (command) => log.beginRun(check.checkBegin(command)),
  claimRun: checked(check.checkClaim, log.claimRun),
  switchModel: checked(check.checkSwitch, log.switchModel),
  appendChunk: checked(check.checkAppend, log.appendChunk),
  putPart: checked(checkPut, log.putPart),
  appendPartChunk: checked(checkPartChunk, log.appendPartChunk),
  parkRun: checked(checkPark, log.parkRun),
  decidePart: checked(checkDecision, log.decidePart),
  endRun: checked(check.checkEnd, log.endRun),
  cancelRun: checked((command) => {
    checkRun(command);
    name(command.userId, 'user');
  }, log.cancelRun),
  renewLeases: async (owner, leaseMs, runs) => {
    name(owner, 'owner');
    count(leaseMs, 'lease');
    list(runs, 'list of runs');
    for (const run of runs) checkOwned(run);
    return log.renewLeases(owner, leaseMs, runs);
  },
  doubtOwner: async (owner, keepMs) => {
    name(owner, 'owner');
    count(keepMs, 'time to keep');
    return log.doubtOwner(owner, keepMs);
  },
  releaseRun: checked(checkRelease, log.releaseRun),
  restoreRun: checked(check.checkRestore, log.restoreRun),
  restoreEnd: checked(check.checkRestoreEnd, log.restoreEnd),
  rehydrate: checked(check.checkRehydrate, log.rehydrate),
  mergeStored: checked(check.checkRehydrate, log.mergeStored),
  forkConversation: checked(check.checkFork, log.forkConversation),
  expel: checked((command) => {
    object(command, 'command');
    id(command.conversationId);
    name('intruder' in command ? command.intruder : command.rightful, 'user');
  }, log.expel),
  readState: checked((query) => {
    object(query, 'query');
    id(query.conversationId);
    if (query.userId !== undefined) name(query.userId, 'user');
    if (query.reach !== undefined) word(query.reach, Object.keys(TAIL_LIMITS), 'reach');
    if (query.cursor === null || query.cursor === undefined) return;
    object(query.cursor, 'cursor');
    count(query.cursor.offset, 'cursor');
    maybeId(query.cursor.logId);
  }, log.readState),
  readHistory: checked((query) => {
    check.checkChange(query);
    maybeId(query.before);
    count(query.limit, 'limit');
  }, log.readHistory),
  deleteMessage: checked((command) => {
    check.checkChange(command);
    id(command.messageId);
    if (typeof command.stored === 'object') text(command.stored.text, BORDER.answerBytes, 'text');
  }, log.deleteMessage),
  deleteConversation: checked(check.checkDeletion, log.deleteConversation),
  setTitle: checked((command) => {
    check.checkChange(command);
    text(command.title, BORDER.titleBytes, 'title');
  }, log.setTitle),
  proposeTitle: checked(check.checkTitle, log.proposeTitle),
  setPreset: checked((command) => {
    check.checkChange(command);
    if (command.system !== undefined) text(command.system, BORDER.textBytes, 'text');
    if (command.model !== undefined) name(command.model, 'model');
  }, log.setPreset),
  listConversations: checked((query) => {
    object(query, 'query');
    name(query.userId, 'user');
    maybeId(query.after);
    count(query.limit, 'limit');
    if (query.only !== undefined) list(query.only, 'list of conversations', 1_000);
    for (const one of query.only ?? []) id(one);
  }, log.listConversations),
  notePresence: checked((note) => {
    object(note, 'note');
    id(note.conversationId);
    name(note.holder, 'holder');
    count(note.count, 'count');
  }, log.notePresence),
  addGrant: checked((command) => {
    check.checkGrant(command);
    digest(command.digest);
    text(command.data, BORDER.grantBytes, 'data of a grant');
    if (command.lifeMs !== null) count(command.lifeMs, 'life');
    count(command.idleMs, 'time');
    count(command.limit, 'limit');
  }, log.addGrant),
  useGrant: checked((query) => {
    object(query, 'query');
    digest(query.digest);
  }, log.useGrant),
  endGrant: checked(check.checkGrant, log.endGrant),
  keepGrant: checked((command) => {
    check.checkGrant(command);
    text(command.before, BORDER.grantBytes, 'data of a grant');
    text(command.data, BORDER.grantBytes, 'data of a grant');
  }, log.keepGrant),
  putRecord: checked(checkPutRecord, log.putRecord),
  readRecords: checked(checkRecords, log.readRecords),
  mergeRecords: checked(checkMerge, log.mergeRecords),
  followPerson: async (userId, listener) => {
    name(userId, 'user');
    return log.followPerson(userId, listener);
  },
  publishPerson: async (userId, json) => {
    name(userId, 'user');
    check.checkHint(json);
    return log.publishPerson(userId, json);
  },
  publishHint: async (conversationId, json) => {
    id(conversationId);
    check.checkHint(json);
    return log.publishHint(conversationId, json);
  },
});

/** One call more and no turn of the event loop: an append passes here with every piece of every answer. */
const checked =
  <C, R>(look: (command: C) => void, act: (command: C) => Promise<R>) =>
  (command: C): Promise<R> => {
    try {
      look(command);
    } catch (error) {
      return Promise.reject(error);
    }
    return act(command);
  };
