import { isForAllOf, type ModelEntry } from '@runnel/protocol/http';
import type { ChatModel } from '../kinds/chat-model.ts';
import { entryOf, filesOf, idOf, isFileOf, nameOf, refName, secretsOf } from './entry.ts';

/** What pods are given: the entries of the file, key files by name (base64), and since when a model that has no object any more leaves. */
export interface Published {
  entries: readonly ModelEntry[];
  keys: Readonly<Record<string, string>>;
  leaving: Readonly<Record<string, number>>;
}

/** What became of a Secret that a model names. `unread`: the API server did not say. */
export type MissingKey = 'no-secret' | 'no-key' | 'not-consented' | 'empty' | 'unread';
export type Key = { found: string } | { missing: MissingKey };

/** What became of an object. `kept` says that what was published before goes on. */
export type Verdict =
  /** `without`: what it falls back to and is not there (pods would refuse the file for it); `narrower`: what not all of its people may ask. */
  | { word: 'published' | 'suspended'; without?: readonly string[]; narrower?: readonly string[] }
  | { word: 'wrong'; problems: readonly string[]; kept: boolean }
  /** `ref`: which value. */
  | { word: 'key-missing'; why: MissingKey; ref: string; kept: boolean }
  | { word: 'same-id'; other: string }
  | { word: 'another-default'; other: string }
  | { word: 'too-many' }
  /** Suspended or not, it goes on: there would be no other. */
  | { word: 'last-one' };

export interface Observed {
  models: readonly ChatModel[];
  /** By `refName`. */
  keys: ReadonlyMap<string, Key>;
  /** Null: nothing has ever been. */
  before: Published | null;
  /** Answers that pods write, by model; undefined while not all pods have said so lately. */
  running: ReadonlyMap<string, number> | undefined;
  now: number;
}

export interface Desired {
  published: Published;
  /** By name of the object. */
  verdicts: ReadonlyMap<string, Verdict>;
}

/** Where nobody made a model there are those that are built in, as without an operator. */
const BUILT_IN: readonly ModelEntry[] = [
  { id: 'demo', provider: 'demo', name: 'Runnel demo' },
  { id: 'count', provider: 'count', name: 'Counting words' },
];
/** An answer of a model that is gone is waited for no longer. */
const LEAVING_MS = 10 * 60_000;
/** So that pods and gateways have heard that it is suspended before its answers are counted. */
const LEAST_LEAVING_MS = 30_000;
/** Of the file: pods read no more than 1 MiB, and an object holds no more. */
const MOST_BYTES = 900 * 1024;

/** The first value that is missing; one that does not consent any more before the others, for that was meant. */
const missingOf = (model: ChatModel, keys: Observed['keys']): { why: MissingKey; ref: string } | undefined => {
  const all = [...secretsOf(model).values()].flatMap((ref) => {
    const key = keys.get(refName(ref)) ?? { missing: 'unread' as const };
    return 'missing' in key ? [{ why: key.missing, ref: refName(ref) }] : [];
  });
  return all.find(({ why }) => why === 'not-consented') ?? all[0];
};

/** What there is of the values that a model names, by file. */
const foundOf = (model: ChatModel, keys: Observed['keys']): Record<string, string> =>
  Object.fromEntries(
    [...secretsOf(model)].flatMap(([file, ref]) => {
      const key = keys.get(refName(ref));
      return key && 'found' in key ? [[file, key.found]] : [];
    }),
  );

/** Oldest first: who was there first keeps an id, and is the default. */
const byAge = (a: ChatModel, b: ChatModel): number =>
  (a.metadata?.creationTimestamp ?? '').localeCompare(b.metadata?.creationTimestamp ?? '') || nameOf(a).localeCompare(nameOf(b));

/** What should be published, and what became of each object. The order of `models` makes no difference. Pure. */
export const desiredOf = ({ models, keys, before, running, now }: Observed, dir: string): Desired => {
  const verdicts = new Map<string, Verdict>();
  const known = new Map(before?.entries.map((entry) => [entry.id, entry]));
  const entries: ModelEntry[] = [];
  const files: Record<string, string> = {};
  const owner = new Map<string, string>();
  let standard: string | undefined;
  let bytes = 2;

  const decide = (model: ChatModel): { entry?: ModelEntry; values?: Record<string, string>; verdict: Verdict } => {
    const other = owner.get(idOf(model));
    if (other !== undefined) return { verdict: { word: 'same-id', other } };
    const old = known.get(idOf(model));
    // What another object's files hold may be another key by now.
    const isOwn = old !== undefined && filesOf(old, dir).every((file) => isFileOf(model, file));
    /** What was published goes on as it was, but for being suspended: a key of before never goes to an address of now. */
    const keep = (): { entry?: ModelEntry } => {
      if (old === undefined || !isOwn) return {};
      const { suspended: _suspended, ...rest } = old;
      return { entry: { ...rest, ...(model.spec.suspended && { suspended: true }) } };
    };
    const made = entryOf(model, dir);
    if ('problems' in made) return { ...keep(), verdict: { word: 'wrong', problems: made.problems, kept: isOwn } };
    const missing = missingOf(model, keys);
    const verdict: Verdict = { word: model.spec.suspended ? 'suspended' : 'published' };
    if (missing === undefined) return { entry: made.entry, values: foundOf(model, keys), verdict };
    // A Secret that is away may be on its way back; one that does not consent any more was meant.
    const kept = isOwn && missing.why !== 'not-consented';
    return { ...(kept && keep()), verdict: { word: 'key-missing', ...missing, kept } };
  };

  const add = (entry: ModelEntry, values: Readonly<Record<string, string>> = {}): boolean => {
    const held = Object.fromEntries(filesOf(entry, dir).map((file) => [file, values[file] ?? before?.keys[file]]));
    const all = Object.values(held);
    if (all.includes(undefined)) return false;
    const size = all.reduce((sum, value) => sum + value!.length, Buffer.byteLength(JSON.stringify(entry)) + 1);
    if (bytes + size > MOST_BYTES) return false;
    bytes += size;
    entries.push(entry);
    Object.assign(files, held);
    return true;
  };

  for (const model of [...models].toSorted(byAge)) {
    const name = nameOf(model);
    const { entry, values, verdict } = decide(model);
    let told = verdict;
    if (verdict.word !== 'same-id') owner.set(idOf(model), name);
    if (entry !== undefined) {
      const second = entry.default === true && standard !== undefined;
      const { default: isDefault, ...rest } = entry;
      if (isDefault && !second && !entry.suspended) standard = name;
      if (second && told.word === 'published') told = { word: 'another-default', other: standard! };
      if (!add(second ? rest : entry, values)) told = { word: 'too-many' };
    }
    verdicts.set(name, told);
  }

  const leaving: Record<string, number> = {};
  for (const entry of before?.entries ?? []) {
    if (owner.has(entry.id) || isBuiltIn(entry)) continue;
    const since = before!.leaving[entry.id] ?? now;
    const ended = running !== undefined && (running.get(entry.id) ?? 0) === 0 && now - since >= LEAST_LEAVING_MS;
    if (ended || now - since >= LEAVING_MS) continue;
    const { default: _default, ...rest } = entry;
    // Its key file may be another model's by now.
    if (filesOf(entry, dir).some((file) => file in files)) continue;
    if (add({ ...rest, suspended: true })) leaving[entry.id] = since;
  }
  return withKnownFallbacks(withOneAtLeast({ published: { entries, keys: files, leaving }, verdicts }, { before, owner, dir }), owner);
};

/** A model that falls back to one that is not there, or that not all of its people may ask, falls back to the others. */
const withKnownFallbacks = ({ published, verdicts }: Desired, owner: ReadonlyMap<string, string>): Desired => {
  const byId = new Map(published.entries.map((entry) => [entry.id, entry]));
  const told = new Map(verdicts);
  const entries = published.entries.map((entry) => {
    const { fallback, ...rest } = entry;
    if (fallback === undefined) return entry;
    const there = [...new Set(fallback)].filter((id) => id !== entry.id && byId.has(id));
    const known = there.filter((id) => isForAllOf(entry.access, byId.get(id)!.access));
    const name = owner.get(entry.id) ?? '';
    const verdict = told.get(name);
    const without = fallback.filter((id) => !there.includes(id));
    const narrower = there.filter((id) => !known.includes(id));
    if (verdict?.word === 'published' || verdict?.word === 'suspended')
      told.set(name, { ...verdict, ...(without.length > 0 && { without }), ...(narrower.length > 0 && { narrower }) });
    return { ...rest, ...(known.length > 0 && { fallback: known }) };
  });
  return { published: { ...published, entries }, verdicts: told };
};

const isBuiltIn = ({ id, name }: ModelEntry): boolean => BUILT_IN.some((entry) => entry.id === id && entry.name === name);

/** AI pods refuse a file that offers nothing: what was offered last stays then, and without any there is what is built in. */
const withOneAtLeast = (
  desired: Desired,
  { before, owner, dir }: { before: Published | null; owner: ReadonlyMap<string, string>; dir: string },
): Desired => {
  const { entries, keys, leaving } = desired.published;
  if (entries.some(({ suspended }) => !suspended)) return desired;
  const offered = before?.entries.filter(({ suspended }) => !suspended) ?? [];
  if (offered.length === 0) return { ...desired, published: { entries: [...BUILT_IN, ...entries], keys, leaving } };
  const held = new Set(offered.map(({ id }) => id));
  const files = new Set(offered.flatMap((entry) => filesOf(entry, dir)));
  // Two models of one key file cannot both stay.
  const others = entries.filter((entry) => !held.has(entry.id) && !filesOf(entry, dir).some((file) => files.has(file)));
  const needed = new Set([...offered, ...others].flatMap((entry) => filesOf(entry, dir)));
  const verdicts = new Map(desired.verdicts);
  for (const id of held) if (owner.has(id)) verdicts.set(owner.get(id)!, { word: 'last-one' });
  return {
    published: {
      entries: [...offered, ...others],
      keys: Object.fromEntries([...needed].map((file) => [file, (files.has(file) ? before!.keys[file] : keys[file])!])),
      // It does not leave before there is another.
      leaving: Object.fromEntries(Object.entries(leaving).filter(([id]) => others.some((entry) => entry.id === id))),
    },
    verdicts,
  };
};
