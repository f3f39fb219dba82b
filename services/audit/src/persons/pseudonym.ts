import { createHmac, randomBytes } from 'node:crypto';
import { isPseudonym } from '@runnel/protocol/audit';
import { eachPerson, renamePersons } from '../store/rows.ts';
import type { AuditRow, SessionRow } from '../database/tables.ts';

/** Of a person who is known; erasing destroys the key and the id, and the pseudonym then names nobody. */
export interface NamedPerson {
  pseudonym: string;
  userId: string;
  key: string;
}

/** Whether the id of a conversation is anybody's: it was deleted, and whose it was is nobody now. */
export const isFree = ({ userId, deleted }: Pick<SessionRow, 'userId' | 'deleted'>): boolean => deleted === 1 && isPseudonym(userId);

/** Nobody finds another id or key that gives it: whose a row is cannot be changed unseen. */
export const pseudonymOf = (key: string, userId: string): string => `~${createHmac('sha256', key).update(userId).digest('base64url')}`;

/** A new person, with a random key. */
export const makePerson = (userId: string): NamedPerson => {
  const key = randomBytes(32).toString('base64url');
  return { pseudonym: pseudonymOf(key, userId), userId, key };
};

/** What recognises an erased person's late events. Without the key it tells nothing of the id. */
export const lateDigest = (key: string, userId: string): string => createHmac('sha256', key).update(userId).digest('base64url');

/** A row of the trail with other names in it. What cannot be read stays as it is. Pure. */
export const renameRow = <R extends AuditRow>(row: R, nameOf: (name: string) => string): R => {
  const userId = row.userId === null ? null : nameOf(row.userId);
  try {
    return { ...row, userId, data: JSON.stringify(renamePersons(JSON.parse(row.data), nameOf)) };
  } catch {
    return { ...row, userId };
  }
};

/** The names in a row: of whoever did it, and of those in its data. Pure. */
export const namesIn = ({ userId, data }: Pick<AuditRow, 'userId' | 'data'>): Set<string> => {
  const names = new Set<string>(userId === null ? [] : [userId]);
  try {
    eachPerson(JSON.parse(data), (name) => names.add(name));
  } catch {
    // Its link tells that it was changed.
  }
  return names;
};
