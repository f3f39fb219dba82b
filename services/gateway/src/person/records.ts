import { RECORD_KINDS, RECORD_LIMITS, type PersonRecord, type RecordKind, type StoreRecords } from '@runnel/coordination';
import { RunnelError } from '@runnel/protocol';
import { StoredRecordList } from '@runnel/protocol/http';
import type { AuditClient } from '../archive/audit-client.ts';
import { askAudit } from '../archive/audit-ask.ts';

/** How a change or a reading went. */
export const RECORD_OUTCOMES = ['done', 'same', 'full', 'overloaded', 'found', 'restored', 'unavailable'] as const;
export type RecordOutcome = (typeof RECORD_OUTCOMES)[number];

export interface Records {
  /** Of some names, or all; what is not there is absent. @throws RunnelError `unavailable` */
  read(userId: string, kind: RecordKind, names?: readonly string[]): Promise<PersonRecord[]>;
  /** Null takes a field away; `whole`: what the patch does not name goes too. @throws RunnelError `quota`, `overloaded`, `unavailable` */
  put(
    userId: string,
    kind: RecordKind,
    name: string,
    patch: Readonly<Record<string, string | null>>,
    how?: { whole?: boolean },
  ): Promise<PersonRecord>;
  /** What hangs on a conversation goes with it. */
  forgetConversation(userId: string, conversationId: string): Promise<void>;
  /** All that a person has set: what they are given when they ask for their data. */
  all(userId: string): Promise<Record<RecordKind, PersonRecord[]>>;
}

export interface RecordsDeps {
  store: StoreRecords;
  /** Null: the store alone keeps them. */
  audit: AuditClient | null;
  onOutcome?: (kind: RecordKind, outcome: RecordOutcome) => void;
}

const FULL = {
  entries: 'There is no room for more of these.',
  fields: 'There is no room for more in this one.',
  bytes: 'There is no room for so much text.',
} as const;

export const createRecords = ({ store, audit, onOutcome = () => {} }: RecordsDeps): Records => {
  const lasting = audit !== null;
  /** By kind and person: who comes meanwhile waits for the same answer. */
  const restoring = new Map<string, Promise<void>>();

  const restore = async (userId: string, kind: RecordKind): Promise<void> => {
    const { records } = lasting ? await askAudit(audit, StoredRecordList, '/records', { kind }, userId) : { records: [] };
    await store.mergeRecords({ userId, kind, lasting, records });
    onOutcome(kind, 'restored');
  };
  const restoreOnce = (userId: string, kind: RecordKind): Promise<void> => {
    const key = `${kind} ${userId}`;
    const known = restoring.get(key);
    if (known) return known;
    const started = restore(userId, kind).finally(() => restoring.delete(key));
    restoring.set(key, started);
    return started;
  };
  /** Asks the database once where the store has nothing, and tries again. */
  const known = async <R extends { outcome: string }>(
    userId: string,
    kind: RecordKind,
    ask: () => Promise<R>,
  ): Promise<Exclude<R, { outcome: 'absent' }>> => {
    try {
      let result = await ask();
      if (result.outcome === 'absent') {
        await restoreOnce(userId, kind);
        result = await ask();
      }
      if (result.outcome === 'absent') throw new RunnelError('unavailable', 'The store changes just now; try again.');
      onOutcome(kind, result.outcome as RecordOutcome);
      return result as Exclude<R, { outcome: 'absent' }>;
    } catch (cause) {
      onOutcome(kind, 'unavailable');
      // An audit service of an earlier release knows of no records.
      if (cause instanceof RunnelError && cause.code === 'not-found') throw new RunnelError('unavailable', undefined, { cause });
      throw cause;
    }
  };

  const records: Records = {
    async read(userId, kind, names) {
      const result = await known(userId, kind, () => store.readRecords({ userId, kind, lasting, ...(names && { names }) }));
      return result.records;
    },
    async put(userId, kind, name, patch, { whole = false } = {}) {
      const result = await known(userId, kind, () => store.putRecord({ userId, kind, lasting, name, patch, whole }));
      if (result.outcome === 'full') throw new RunnelError('quota', FULL[result.what]);
      if (result.outcome === 'overloaded') throw new RunnelError('overloaded');
      return result.record;
    },
    async forgetConversation(userId, conversationId) {
      for (const kind of ['place', 'feedback'] as const) await records.put(userId, kind, conversationId, {}, { whole: true });
    },
    async all(userId) {
      const found = await Promise.all(RECORD_KINDS.map(async (kind) => [kind, await records.read(userId, kind)] as const));
      return Object.fromEntries(found) as Record<RecordKind, PersonRecord[]>;
    },
  };
  return records;
};

export const PROMPTS_LIMIT = RECORD_LIMITS.prompt.entries;
