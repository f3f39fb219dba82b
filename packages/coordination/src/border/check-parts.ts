import { PART_FIELDS, PART_KINDS, PART_STATES, type Part } from '@runnel/protocol';
import type { AppendPartChunk, DecidePart, EndingPart, ParkRun, PutPart } from '../run-log/parts.ts';
import type { ReleaseRun } from '../run-log/writing.ts';
import { checkOwned, checkRun } from './check-run.ts';
import { BORDER, checkUsage, count, flag, id, list, name, object, text, word } from './shapes.ts';

const DECISIONS = ['approve', 'deny', 'answer', 'retry', 'skip'];

/** Whatever else it has is JSON; scripts read what is checked here. */
const checkPart = (part: Part): void => {
  object(part, 'part');
  id(part.partId);
  count(part.index, 'part');
  if (part.index >= BORDER.parts) count(undefined, 'part');
  count(part.at, 'part');
  word(part.kind, PART_KINDS, 'kind');
  word(part.state, PART_STATES, 'state');
  for (const field of PART_FIELDS) if (part[field] !== undefined) text(part[field], BORDER.answerBytes, 'part');
  for (const said of [part.answer, part.note, part.url, part.snippet]) if (said !== undefined) text(said, BORDER.textBytes, 'part');
  for (const label of [part.name, part.server, part.title]) if (label !== undefined) name(label, 'part');
};

export const checkParts = (parts: readonly Part[] | undefined): void => {
  if (parts === undefined) return;
  list(parts, 'list of parts', BORDER.parts);
  for (const part of parts) checkPart(part);
};

export const checkEndingParts = (parts: readonly EndingPart[] | undefined): void => {
  if (parts === undefined) return;
  list(parts, 'list of parts', BORDER.parts);
  for (const ending of parts) {
    object(ending, 'part');
    word(ending.from, PART_STATES, 'state');
    checkPart(ending.part);
  }
};

export const checkPut = (command: PutPart): void => {
  checkOwned(command);
  checkPart(command.part);
  if (command.from !== null) word(command.from, PART_STATES, 'state');
  if (command.step !== undefined) count(command.step, 'step');
};

export const checkPartChunk = (command: AppendPartChunk): void => {
  checkOwned(command);
  id(command.partId);
  word(command.field, PART_FIELDS, 'field');
  count(command.at, 'position');
  count(command.t, 'time');
  text(command.text, BORDER.answerBytes, 'text');
};

/** Ids and states are read by scripts; what a part says is not. */
const checkStanding = (parts: readonly Part[]): void => {
  list(parts, 'list of parts', BORDER.parts);
  for (const part of parts) {
    object(part, 'part');
    id(part.partId);
    word(part.state, PART_STATES, 'state');
  }
};

export const checkRelease = (command: ReleaseRun): void => {
  checkOwned(command);
  if (command.standing === undefined) return;
  object(command.standing, 'run');
  count(command.standing.bytes, 'length');
  checkStanding(command.standing.parts);
};

export const checkPark = (command: ParkRun): void => {
  checkOwned(command);
  list(command.partIds, 'list of parts', BORDER.parts);
  // Nobody would ever decide it.
  if (command.partIds.length === 0) id('');
  for (const partId of command.partIds) id(partId);
  count(command.bytes, 'length');
  checkStanding(command.parts ?? []);
  checkUsage(command.usage);
  if (command.tell !== undefined) flag(command.tell, 'command');
};

export const checkDecision = (command: DecidePart): void => {
  checkRun(command);
  name(command.userId, 'user');
  word(command.decision, DECISIONS, 'decision');
  checkPart(command.expected);
  checkPart(command.part);
  if (command.inputSha256 !== undefined) name(command.inputSha256, 'digest');
};
