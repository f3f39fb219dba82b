import { fromStored } from '../database/sql.ts';
import type { SessionRow } from '../database/tables.ts';
import { sha256Of } from '../store/rows.ts';
import type { Told } from './told.ts';

export interface SessionFacts {
  conversationId: string;
  told: readonly Told[];
  /** Times of all events of the conversation, those included that change no table. */
  times: ReadonlySet<number>;
  /** Of all its logs, whatever is left of them. */
  logIds: ReadonlySet<string>;
  row: SessionRow | undefined;
  /** Every log of it is here from its first event on: nothing was removed by retention. */
  isComplete: boolean;
  retired: number;
  /** Retention took all of it, its title too. */
  isEnded: boolean;
}

const ALIVE = new Set(['session', 'message', 'restored']);

const userOf = ({ row }: Told): string => row.userId ?? '';

/** Whose it may be: those who started it, or, where no start stands for certain, those who did anything in it. */
const ownersOf = (told: readonly Told[], isDeleted: boolean): Set<string> => {
  const started = told.filter(({ change, gone }) => change.kind === 'session' && gone !== 'yes');
  return new Set((started.some(({ gone }) => gone === 'no') && !isDeleted ? started : told).map(userOf));
};

/** Titles it may have: the last one said in each log, and those that came with a log that was written again. */
const titlesOf = (standing: readonly Told[]): Set<string> => {
  const said = standing.filter(({ change }) => change.kind === 'session' || change.kind === 'title');
  const last = [...Map.groupBy(said, ({ logId }) => logId).values()].map((ofLog) =>
    ofLog.reduce((a, b) => (b.row.sequence > a.row.sequence ? b : a)),
  );
  // A place that Redis gave twice has a log of its own here: any of its titles may have been the last.
  const twice = said.filter(({ row, logId }) => row.logId !== logId);
  const restored = standing.filter(({ change }) => change.kind === 'restored');
  const titles = new Set([...last, ...twice, ...restored].map(({ digest }) => digest?.sha256 ?? EMPTY));
  if (!said.some(({ change, gone }) => change.kind === 'session' && gone === 'no')) titles.add(EMPTY);
  return titles;
};
const EMPTY = sha256Of('');

const checkDeletion = ({ told, row, isComplete, retired }: SessionFacts & { row: SessionRow }): string[] => {
  const deletions = told.filter(({ change }) => change.kind === 'session-deleted');
  const alive = told.filter(({ change, gone }) => ALIVE.has(change.kind) && gone !== 'yes');
  // What others said in it was not taken. A log that was written again may have come before the deletion that it did not know of.
  const isSaid = (entry: Told): boolean => entry.gone === 'no' && userOf(entry) === row.userId && entry.change.kind !== 'restored';
  const mustLive = deletions.length === 0 ? isComplete : alive.some(isSaid);
  const mustBeGone = deletions.length > 0 && alive.length === 0 && isComplete;
  const isKnown = deletions.some(({ row: { time }, logId }) => time === row.deletedAt && logId === row.deletedLogId);
  const isNever = row.deletedAt === null && row.deletedLogId === null;
  const isForgotten = row.deletedAt !== null && row.deletedLogId !== null && row.deletedAt < retired;
  return [
    ...(row.deleted === 0 && mustBeGone ? ['it was deleted, and is shown'] : []),
    ...(row.deleted === 1 && (mustLive || isNever) ? ['it was not deleted, and is hidden'] : []),
    ...(row.deleted === 0 || row.deleted === 1 ? [] : ['its mark of deletion was changed']),
    ...(isKnown || (deletions.length === 0 && (isNever || (!isComplete && isForgotten))) ? [] : ['when it was deleted was changed']),
  ];
};

/** What the row of a conversation is not, by what the trail tells. Pure. */
export const checkSession = (facts: SessionFacts): string[] => {
  const { conversationId, told, times, logIds, row, isComplete, retired } = facts;
  const where = `conversation ${conversationId}: `;
  const makesARow = told.some(({ change }) => ALIVE.has(change.kind) || change.kind === 'session-deleted');
  if (!row) return makesARow ? [`${where}its row is missing`] : [];
  if (!makesARow && isComplete) return row.updatedAt < retired ? [] : [`${where}it was started by nobody`];
  const standing = told.filter(({ gone }) => gone !== 'yes');
  const problems = checkDeletion({ ...facts, row });
  const owners = ownersOf(told, row.deleted === 1);
  if (!owners.has(row.userId) && (isComplete || owners.size > 0)) problems.push('its user was changed');
  const isGone = isComplete && !standing.some(({ change }) => ALIVE.has(change.kind));
  const titles = isGone ? new Set([EMPTY]) : titlesOf(standing);
  if (row.deleted === 1 || facts.isEnded) titles.add(EMPTY);
  // The event that gave the title may be among those that retention removed.
  const isTold = isComplete || standing.some(({ change }) => change.kind === 'session' || change.kind === 'title');
  if (isTold && !titles.has(sha256Of(fromStored(row.title)))) problems.push('its title was changed');
  const isTime = (time: number): boolean => times.has(time) || (!isComplete && time < retired);
  if (!isTime(row.createdAt)) problems.push('the time of its start was changed');
  const newest = standing
    .filter((entry) => entry.change.kind === 'message' && entry.gone === 'no' && userOf(entry) === row.userId)
    .reduce((most, entry) => Math.max(most, entry.row.time), 0);
  if (!isTime(row.updatedAt) || (row.deletedAt === null && row.updatedAt < newest))
    problems.push('the time of its last change was changed');
  if (!told.some(({ logId }) => logId === row.logId) && !logIds.has(row.logId)) problems.push('its log was changed');
  return problems.map((problem) => `${where}${problem}`);
};
