import { hash } from 'node:crypto';
import {
  RECORD_KINDS,
  RECORD_LIMITS,
  type PersonListener,
  type PersonRecord,
  type RecordKind,
  type StoreRecords,
} from '../../person-records.ts';
import { MEMORY_LIMITS } from '../../limits.ts';
import type { MemoryStore } from '../store.ts';

interface Kept {
  generation: number;
  newest: number;
  entries: Map<string, { version: number; fields: Record<string, string> }>;
}

const textOf = (fields: Record<string, string>): string => (Object.keys(fields).length > 0 ? JSON.stringify(fields) : '');
const sizeOf = (name: string, version: number, text: string): number => Buffer.byteLength(`${name}${version}|${text}`);

/** What the scripts of `person` do, in memory. */
export const createMemoryRecords = (store: MemoryStore): StoreRecords => {
  const people = new Map<string, Kept>();
  const listeners = new Map<string, Set<PersonListener>>();

  const keyOf = (userId: string, kind: RecordKind): string => `${kind} ${userId}`;
  /** Null where they are not here, or of an older generation. */
  const present = (userId: string, kind: RecordKind): Kept | null => {
    const kept = people.get(keyOf(userId, kind));
    return kept?.generation === store.generation.n ? kept : null;
  };
  const told = (userId: string, kind: RecordKind, version: number, changed: { name: string; text: string } | null): void => {
    const subject = hash('sha1', userId);
    const data = changed === null ? { erased: true } : { name: changed.name, ...(changed.text !== '' && { text: changed.text }) };
    store.tell({
      id: `${subject}:t${kind}.${version}`,
      type: 'RECORD_CHANGED',
      conversation: subject,
      time: `${store.now()}`,
      data: JSON.stringify({ userId, kind, version, ...data }),
      trace: '',
    });
  };
  const publish = (userId: string, json: string): void => {
    const bytes = Buffer.from(json);
    queueMicrotask(() => {
      for (const listener of listeners.get(userId) ?? []) listener.message(bytes);
    });
  };

  return {
    async putRecord({ userId, kind, name, patch, whole = false }) {
      const kept = present(userId, kind);
      if (!kept) return { outcome: 'absent' };
      const limits = RECORD_LIMITS[kind];
      const before = kept.entries.get(name);
      const fields: Record<string, string> = whole ? {} : { ...before?.fields };
      for (const [field, value] of Object.entries(patch)) {
        if (value === null) delete fields[field];
        else fields[field] = value.toWellFormed();
      }
      const sorted = (of: object): string => JSON.stringify(Object.entries(of).toSorted());
      const standing = before?.fields ?? {};
      if (sorted(fields) === sorted(standing))
        return { outcome: 'same', record: { name, version: before?.version ?? 0, fields: standing } };
      const text = textOf(fields);
      const isLarger = text !== '' && Buffer.byteLength(text) > Buffer.byteLength(textOf(standing));
      const used = [...kept.entries].reduce((sum, [one, entry]) => sum + sizeOf(one, entry.version, textOf(entry.fields)), 0);
      const held = before ? sizeOf(name, before.version, textOf(before.fields)) : 0;
      if (Object.keys(fields).length > limits.fields && isLarger) return { outcome: 'full', what: 'fields' };
      if (!before && kept.entries.size >= limits.entries) return { outcome: 'full', what: 'entries' };
      if (isLarger && used - held + Buffer.byteLength(name + text) > limits.bytes) return { outcome: 'full', what: 'bytes' };
      if (store.outbox.length >= store.outboxCap) return { outcome: 'overloaded' };
      const version = Math.max(store.now(), kept.newest + 1);
      kept.newest = version;
      if (text === '') kept.entries.delete(name);
      else kept.entries.set(name, { version, fields });
      told(userId, kind, version, { name, text });
      publish(userId, JSON.stringify({ type: 'list', change: kind, name }));
      return { outcome: 'done', record: { name, version, fields } };
    },
    async readRecords({ userId, kind, names }) {
      const kept = present(userId, kind);
      if (!kept) return { outcome: 'absent' };
      const wanted = names ?? [...kept.entries.keys()];
      const records = wanted.flatMap((name): PersonRecord[] => {
        const entry = kept.entries.get(name);
        return entry ? [{ name, version: entry.version, fields: { ...entry.fields } }] : [];
      });
      return { outcome: 'found', records };
    },
    async mergeRecords({ userId, kind, records }) {
      if (present(userId, kind)) return;
      const key = keyOf(userId, kind);
      const kept = people.get(key) ?? { generation: 0, newest: 0, entries: new Map() };
      const before = kept.newest;
      for (const { name, version, fields } of records) {
        const here = kept.entries.get(name)?.version ?? 0;
        kept.newest = Math.max(kept.newest, version);
        if (here === 0 && version < before && fields !== null) told(userId, kind, before, { name, text: '' });
        else if (version > here && fields === null) kept.entries.delete(name);
        else if (version > here && fields !== null) kept.entries.set(name, { version, fields: { ...fields } });
      }
      const stored = new Map(records.map(({ name, version }) => [name, version]));
      for (const [name, { version, fields }] of kept.entries)
        if (version > (stored.get(name) ?? 0)) told(userId, kind, version, { name, text: textOf(fields) });
      kept.generation = store.generation.n;
      people.delete(key);
      people.set(key, kept);
      for (const oldest of people.keys()) {
        if (people.size <= MEMORY_LIMITS.people) break;
        people.delete(oldest);
      }
    },
    async forgetRecords(userId) {
      for (const kind of RECORD_KINDS) {
        const kept = people.get(keyOf(userId, kind));
        if (!kept) continue;
        people.delete(keyOf(userId, kind));
        told(userId, kind, Math.max(store.now(), kept.newest), null);
      }
    },
    async followPerson(userId, listener) {
      const own = listeners.get(userId) ?? new Set();
      listeners.set(userId, own.add(listener));
      return {
        close: async () => {
          own.delete(listener);
          if (own.size === 0 && listeners.get(userId) === own) listeners.delete(userId);
        },
      };
    },
    publishPerson: async (userId, json) => publish(userId, json),
  };
};
