import { fromStored } from '../database/sql.ts';
import type { MessageRow } from '../database/tables.ts';
import { sha256Of } from '../store/rows.ts';
import { messagesOf, type Told, type ToldMessage } from './told.ts';

type Column = Exclude<keyof MessageRow, 'conversationId' | 'messageId'>;
/** What a person would call each column. */
const WORDS: Record<Column, string> = {
  text: 'text',
  userId: 'user',
  position: 'place',
  parentId: 'parent',
  role: 'role',
  status: 'status',
  finish: 'finish',
  model: 'model',
  author: 'author',
  createdAt: 'time',
  receipt: 'receipt',
};
const COLUMNS = Object.keys(WORDS) as Column[];
const EMPTY = sha256Of('');

const differences = (found: MessageRow, { row, digest }: ToldMessage, isDeleted: boolean): Column[] =>
  COLUMNS.filter((column) => {
    if (isDeleted && column === 'text') return found.text !== '';
    if (isDeleted && column === 'status') return found.status !== 'deleted';
    if (isDeleted && column === 'receipt') return found.receipt !== null;
    if (column === 'text') return sha256Of(fromStored(found.text)) !== (digest?.sha256 ?? EMPTY);
    // A pod of an earlier version left it out.
    if ((column === 'finish' || column === 'receipt') && found[column] === null) return false;
    return found[column] !== row[column];
  });

/** All that is known of a message is that it was deleted. */
const stubOf = (told: Told): ToldMessage[] => {
  const { change, row } = told;
  if (change.kind !== 'message-deleted') return [];
  const { userId, position, messageId } = change;
  const empty = {
    parentId: null,
    role: '',
    text: '',
    status: 'deleted',
    finish: null,
    model: null,
    author: null,
    createdAt: row.time,
    receipt: null,
  };
  return [{ told, digest: undefined, row: { conversationId: row.conversationId, messageId, userId, position, ...empty } }];
};

export interface MessageRows {
  conversationId: string;
  told: readonly Told[];
  rows: readonly MessageRow[];
  /** Whose the conversation is: what others said in it was not taken. */
  userId: string | undefined;
  retired: number;
  /** Something of the trail may still be under way: nothing is missing yet. */
  isUnderWay: boolean;
  /** Position of the newest message that retention may have taken. */
  cutTo: number;
}

/** What the messages in the table are not, or are too much or too few, by what the trail tells. Pure. */
export const checkMessages = ({ conversationId, told, rows, userId, retired, isUnderWay, cutTo }: MessageRows): string[] => {
  const problems: string[] = [];
  const standing = told.filter(({ gone }) => gone !== 'yes');
  const versions = Map.groupBy(messagesOf(standing), ({ row }) => row.messageId);
  const deletions = Map.groupBy(
    told.filter(({ change }) => change.kind === 'message-deleted'),
    ({ change }) => (change.kind === 'message-deleted' ? change.messageId : ''),
  );
  const found = new Set<string>();
  for (const row of rows) {
    found.add(row.messageId);
    const deletedOnce = deletions.get(row.messageId) ?? [];
    const deleted = deletedOnce.filter(({ gone }) => gone !== 'yes');
    // What was said after a deletion, or in a conversation that was made again, was said anew under a name of before: it stands, or that
    // deletion was still on its way and took it.
    const mustBeDeleted = deleted.some(({ gone, row: deletion }) => gone === 'no' && deletion.time >= row.createdAt);
    const known = [...(versions.get(row.messageId) ?? []), ...(deleted.length > 0 ? deleted.flatMap(stubOf) : [])];
    const forms = mustBeDeleted ? [true] : deletedOnce.length > 0 ? [true, false] : [false];
    const differing = known
      .flatMap((version) => forms.map((isDeleted) => ({ version, columns: differences(row, version, isDeleted) })))
      .toSorted((a, b) => a.columns.length - b.columns.length)[0];
    const where = `conversation ${conversationId}: message ${row.messageId}`;
    if (!differing) {
      // Of what retention took nothing else can be said.
      if (row.position >= retired * 1_000) problems.push(`${where} was written by nobody`);
      continue;
    }
    const { logId, sequence } = differing.version.told.row;
    for (const column of differing.columns)
      problems.push(
        column === 'text'
          ? `log ${logId}: event ${sequence}: the stored text was changed`
          : `log ${logId}: event ${sequence}: the ${WORDS[column]} of message ${row.messageId} was changed`,
      );
  }
  if (isUnderWay) return problems;
  const wasDeleted = told.some(({ change }) => change.kind === 'session-deleted');
  for (const [messageId, known] of versions) {
    // A deletion takes what a log written again brought, if it comes after it.
    const sure = known.find((v) => v.told.gone === 'no' && v.row.userId === userId && (v.told.change.kind === 'message' || !wasDeleted));
    if (found.has(messageId) || !sure || known.some(({ row }) => row.position <= cutTo)) continue;
    const { logId, sequence } = sure.told.row;
    problems.push(`log ${logId}: event ${sequence}: message ${messageId} is missing`);
  }
  return problems;
};
