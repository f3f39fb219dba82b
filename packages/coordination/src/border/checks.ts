import { FINISHES, RunnelError } from '@runnel/protocol';
import type { GrantRef } from '../grants.ts';
import type { AppendChunk, BeginRun, ClaimRun, EndRun, RunLog, StoredMessage, SwitchModel } from '../run-log/run-log.ts';
import type { ForkConversation } from '../run-log/begin.ts';
import type { ProposeTitle } from '../run-log/titles.ts';
import type { Rehydrate, RestoreEnd, RestoreRun } from '../run-log/restoring.ts';
import { checkEndingParts, checkParts } from './check-parts.ts';
import { checkOwned, checkRun } from './check-run.ts';
import { BORDER, checkUsage, count, flag, id, isObject, list, maybeId, name, object, text, traceOf, word } from './shapes.ts';

const ROLES = ['user', 'assistant', 'system'] as const;
const REASONS = ['complete', 'cancelled', 'failed', 'interrupted'] as const;

export const checkGrant = (command: GrantRef): void => {
  object(command, 'command');
  id(command.grantId);
  name(command.userId, 'user');
};

/** A command of a person to a conversation of theirs. */
export const checkChange = (command: { conversationId: string; userId: string }): void => {
  object(command, 'command');
  id(command.conversationId);
  name(command.userId, 'user');
};

export const checkTitle = (command: ProposeTitle): void => {
  checkChange(command);
  id(command.runId);
  id(command.promptId);
  name(command.model, 'model');
  text(command.expected, BORDER.titleBytes, 'title');
  text(command.title, BORDER.titleBytes, 'title');
};

export const checkDeletion = (command: Parameters<RunLog['deleteConversation']>[0]): void => {
  checkChange(command);
  if (command.deletedBy !== undefined) name(command.deletedBy, 'user');
  if (command.heard === undefined) return;
  object(command.heard, 'deletion');
  id(command.heard.logId);
  count(command.heard.at, 'deletion');
};

/**
 * A prompt or a regenerate, with what is not for the store left out.
 *
 * @throws RunnelError `bad-frame`
 */
export const checkBegin = (command: BeginRun): BeginRun => {
  checkChange(command);
  const { conversationId, userId, runId, model, message, parentId, title, trace, making, request } = command;
  const { room, continues, preset, blind, thread } = command;
  const seed = command.seed ?? [];
  id(runId);
  maybeId(parentId);
  maybeId(continues);
  if (room !== undefined) count(room, 'room');
  name(model, 'model');
  if (thread !== undefined && thread !== 'ask') checkMessages(thread);
  if (making !== undefined) word(making, ['no', 'proven', 'unproven'], 'command');
  text(title, BORDER.titleBytes, 'title');
  if (request !== undefined) text(request, BORDER.requestBytes, 'request');
  list(seed, 'seed', BORDER.seedTurns);
  const turns = [...seed];
  for (const turn of turns) {
    object(turn, 'turn');
    word(turn.role, ROLES, 'role');
  }
  if (message !== null) object(message, 'message');
  const said = message === null ? [] : [...turns, message];
  for (const one of said) {
    id(one.messageId);
    text(one.text, BORDER.textBytes, 'text');
  }
  checkParts(message?.parts);
  if (said.reduce((sum, one) => sum + Buffer.byteLength(one.text), 0) > BORDER.beginBytes) {
    throw new RunnelError('bad-frame', 'This prompt is too large.');
  }
  const made = [runId, ...said.map(({ messageId }) => messageId)];
  if (new Set(made).size < made.length) throw new RunnelError('bad-frame', 'Every message of a prompt needs an id of its own.');
  const traced = traceOf(trace);
  return {
    conversationId,
    userId,
    runId,
    model,
    title,
    message: message && { messageId: message.messageId, text: message.text, ...(message.parts && { parts: message.parts }) },
    ...(parentId !== undefined && { parentId }),
    ...(turns.length > 0 && { seed: turns.map(({ messageId, role, text: words }) => ({ messageId, role, text: words })) }),
    ...(traced !== undefined && { trace: traced }),
    ...(making !== undefined && { making }),
    ...(room !== undefined && { room }),
    ...(continues !== undefined && { continues }),
    ...(preset && { preset }),
    ...(thread !== undefined && { thread }),
    ...(blind && { blind }),
    ...(request !== undefined && { request }),
  };
};

export const checkClaim = (command: ClaimRun): void => {
  checkRun(command);
  name(command.owner, 'owner');
  count(command.leaseMs, 'lease');
  object(command.models, 'list of models');
  for (const canContinue of Object.values(command.models)) flag(canContinue, 'list of models');
};

export const checkSwitch = (command: SwitchModel): void => {
  checkOwned(command);
  name(command.model, 'model');
  if (command.trimmed === undefined) return;
  object(command.trimmed, 'trimmed');
  count(command.trimmed.messages, 'trimmed');
  count(command.trimmed.tokens, 'trimmed');
};

export const checkAppend = (command: AppendChunk): void => {
  checkOwned(command);
  count(command.at, 'position');
  count(command.t, 'time');
  text(command.text, BORDER.answerBytes, 'text');
};

const checkEnding = (command: Omit<EndRun, 'epoch'>): void => {
  checkRun(command);
  const { reason, bytes, sha256, finish, usage, error, firstWordMs, parts } = command;
  checkEndingParts(parts);
  word(reason, REASONS, 'reason');
  count(bytes, 'length');
  name(sha256, 'digest');
  if (finish !== undefined) word(finish, FINISHES, 'finish');
  if (firstWordMs !== undefined) count(firstWordMs, 'time');
  checkUsage(usage);
  if (error === undefined) return;
  object(error, 'error');
  name(error.code, 'error');
  if (error.status !== undefined) count(error.status, 'error');
  if (error.providerCode !== undefined) name(error.providerCode, 'error');
  text(error.message, BORDER.textBytes, 'error');
};

export const checkEnd = (command: EndRun): void => {
  checkEnding(command);
  if (command.epoch !== null) count(command.epoch, 'epoch');
};

const checkMessages = (messages: readonly StoredMessage[]): void => {
  list(messages, 'list of messages');
  for (const message of messages) {
    object(message, 'message');
    id(message.messageId);
    maybeId(message.parentId);
    word(message.role, ROLES, 'role');
    text(message.text, BORDER.answerBytes, 'text');
    word(message.status, [...REASONS, 'deleted'], 'status');
    count(message.createdAt, 'time');
    checkParts(message.parts);
    for (const label of [message.finish, message.model, message.author]) if (label !== undefined) name(label, 'message');
  }
};

const checkRestored = (command: RestoreRun | RestoreEnd): void => {
  checkOwned(command);
  id(command.newLogId);
  name(command.userId, 'user');
  text(command.title, BORDER.titleBytes, 'title');
  text(command.text, BORDER.answerBytes, 'text');
  object(command.run, 'run');
  const { runId, parentId, model, startedAt } = command.run;
  id(runId);
  maybeId(parentId);
  name(model, 'model');
  count(startedAt, 'time');
  checkMessages(command.messages);
};

export const checkRestore = (command: RestoreRun): void => {
  checkRestored(command);
  checkParts(command.parts);
  if (command.step !== undefined) count(command.step, 'step');
  if (command.request !== undefined) text(command.request, BORDER.requestBytes, 'request');
  name(command.owner, 'owner');
  count(command.leaseMs, 'lease');
  if (command.claimed !== undefined) count(command.claimed, 'epoch');
};

export const checkRestoreEnd = (command: RestoreEnd): void => {
  checkEnding(command);
  checkRestored(command);
};

export const checkRehydrate = (command: Rehydrate): void => {
  checkChange(command);
  text(command.title, BORDER.titleBytes, 'title');
  flag(command.hasMore, 'command');
  checkMessages(command.messages);
  if (command.parked !== undefined) checkParked(command.parked);
};

/** A branch is whole: it begins at a root, and each of its messages is the parent of the next. */
export const checkFork = (command: ForkConversation): void => {
  checkChange(command);
  text(command.title, BORDER.titleBytes, 'title');
  object(command.from, 'source');
  id(command.from.conversationId);
  id(command.from.messageId);
  list(command.messages, 'list of messages', BORDER.forkedMessages);
  checkMessages(command.messages);
  const isWhole = command.messages.every(({ parentId }, i) => parentId === (command.messages[i - 1]?.messageId ?? null));
  word(isWhole && command.messages.length > 0 ? 'whole' : 'torn', ['whole'], 'branch');
  if (command.making !== undefined) word(command.making, ['no', 'proven', 'unproven'], 'command');
  if (command.system !== undefined) text(command.system, BORDER.textBytes, 'text');
  if (command.model !== undefined) name(command.model, 'model');
};

const checkParked = (parked: NonNullable<Rehydrate['parked']>): void => {
  object(parked, 'run');
  const { runId, parentId, model, startedAt, epoch, claims, partIds, parts, used, trimmed, requestedModel, base, request } = parked;
  id(runId);
  maybeId(parentId);
  name(model, 'model');
  for (const figure of [startedAt, epoch, claims, base ?? 0, trimmed?.messages ?? 0, trimmed?.tokens ?? 0]) count(figure, 'run');
  text(parked.text, BORDER.answerBytes, 'text');
  list(partIds, 'list of parts', BORDER.parts);
  for (const partId of partIds) id(partId);
  checkParts(parts);
  if (used !== undefined) {
    object(used, 'usage');
    checkUsage(used.usage);
    count(used.bytes, 'usage');
  }
  if (requestedModel !== undefined) name(requestedModel, 'model');
  if (request !== undefined) text(request, BORDER.requestBytes, 'request');
};

/** A published hint goes to clients as it is. */
export const checkHint = (json: string): void => {
  text(json, BORDER.textBytes, 'hint');
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    value = undefined;
  }
  if (!isObject(value)) throw new RunnelError('bad-frame', 'This hint is malformed.');
};
