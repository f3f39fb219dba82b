/**
 * Who may do what to a conversation. Every way in (frames, SSE, HTTP, `/v1`, history, hints, typing) asks here; the scripts of the
 * run log and the audit service answer for their own store only, with the words below.
 */

/** What a store knows about a person and a conversation. */
export type Standing =
  | 'owner'
  | 'stranger'
  /** It has never heard of the conversation; for its owner also: it was deleted. */
  | 'unknown'
  /** It did not answer in time. */
  | 'unanswered';

/**
 * What becomes of a command or a read:
 * - `store`: the run log's own answer counts, whatever it is.
 * - `create`: it is provably new. `create-unproven`: the database could not be asked (P-10), and is asked as soon as it answers.
 * - `bring-back`: the database has it and the run log lacks it. `expel`: the same, and somebody else sits in its place.
 */
export type Verdict = 'store' | 'forbidden' | 'not-found' | 'create' | 'create-unproven' | 'bring-back' | 'expel';

export interface Question {
  /** The run log: live conversations, and whose an id was within the last 30 days. */
  runLog: Exclude<Standing, 'unanswered'>;
  /** The conversation was made while the database could not be asked. */
  unproven: boolean;
  database: Standing;
  /** Only a prompt makes a conversation. */
  makes: boolean;
}

/** Whether the database has to be asked at all: never for a conversation that is here and whose owner is proven. */
export const mustAskDatabase = ({ runLog, unproven }: Pick<Question, 'runLog' | 'unproven'>): boolean => unproven || runLog === 'unknown';

/** May this person do this to this conversation? The database's word on an owner outranks the run log's, which is younger. */
export const decide = ({ runLog, unproven, database, makes }: Question): Verdict => {
  const isHere = runLog === 'owner' || unproven;
  if (database === 'stranger' && (runLog === 'unknown' || unproven)) return 'forbidden';
  if (database === 'owner' && runLog === 'stranger' && unproven) return 'expel';
  if (runLog === 'stranger') return 'forbidden';
  if (isHere) return database === 'owner' && unproven ? 'bring-back' : 'store';
  if (database === 'owner') return 'bring-back';
  if (!makes) return 'not-found';
  return database === 'unanswered' ? 'create-unproven' : 'create';
};

/** Whether a follower that has read one log may take an event of another (`null`: none, or none known): only a read checks the owner. */
export const mayHear = (read: string | null, event: string | null): boolean => event !== null && event === read;
