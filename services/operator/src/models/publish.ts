import type { ModelEntry } from '@runnel/protocol/http';
import type { ChatModel } from '../kinds/chat-model.ts';
import { entryOf, idOf, nameOf } from './entry.ts';

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
  /** `without`: what it falls back to and is not there; pods would refuse the file for it. */
  | { word: 'published' | 'suspended'; without?: readonly string[] }
  | { word: 'wrong'; problems: readonly string[]; kept: boolean }
  | { word: 'key-missing'; why: MissingKey; kept: boolean }
  | { word: 'same-id'; other: string }
  | { word: 'another-default'; other: string }
  | { word: 'too-many' }
  /** Suspended or not, it goes on: there would be no other. */
  | { word: 'last-one' };

export interface Observed {
  models: readonly ChatModel[];
  /** By `keyRef`. */
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

export const keyRef = ({ spec }: ChatModel): string | undefined =>
  spec.apiKey && `${spec.apiKey.secretKeyRef.name}/${spec.apiKey.secretKeyRef.key}`;

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

  const decide = (model: ChatModel): { entry?: ModelEntry; key?: string; verdict: Verdict } => {
    const other = owner.get(idOf(model));
    if (other !== undefined) return { verdict: { word: 'same-id', other } };
    const old = known.get(idOf(model));
    /** What was published goes on as it was, but for being suspended: a key of before never goes to an address of now. */
    const keep = (): { entry?: ModelEntry } => {
      if (old === undefined) return {};
      const { suspended: _suspended, ...rest } = old;
      return { entry: { ...rest, ...(model.spec.suspended && { suspended: true }) } };
    };
    const made = entryOf(model, dir);
    if ('problems' in made) return { ...keep(), verdict: { word: 'wrong', problems: made.problems, kept: old !== undefined } };
    const named = keyRef(model);
    const key = named === undefined ? undefined : (keys.get(named) ?? { missing: 'unread' as const });
    const verdict: Verdict = { word: model.spec.suspended ? 'suspended' : 'published' };
    if (key === undefined) return { entry: made.entry, verdict };
    if ('found' in key) return { entry: made.entry, key: key.found, verdict };
    // A Secret that is away may be on its way back; one that does not consent any more was meant.
    const kept = old !== undefined && key.missing !== 'not-consented' && old.apiKeyFile === made.entry.apiKeyFile;
    return { ...(kept && keep()), verdict: { word: 'key-missing', why: key.missing, kept } };
  };

  const add = (entry: ModelEntry, key?: string): boolean => {
    const file = fileOf(entry, dir);
    const held = file === undefined ? '' : (key ?? before?.keys[file]);
    if (held === undefined) return false;
    const size = Buffer.byteLength(JSON.stringify(entry)) + 1 + held.length;
    if (bytes + size > MOST_BYTES) return false;
    bytes += size;
    entries.push(entry);
    if (file !== undefined) files[file] = held;
    return true;
  };

  for (const model of [...models].toSorted(byAge)) {
    const name = nameOf(model);
    const { entry, key, verdict } = decide(model);
    let told = verdict;
    if (verdict.word !== 'same-id') owner.set(idOf(model), name);
    if (entry !== undefined) {
      const second = entry.default === true && standard !== undefined;
      const { default: isDefault, ...rest } = entry;
      if (isDefault && !second && !entry.suspended) standard = name;
      if (second && told.word === 'published') told = { word: 'another-default', other: standard! };
      if (!add(second ? rest : entry, key)) told = { word: 'too-many' };
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
    const file = fileOf(entry, dir);
    if (file !== undefined && file in files) continue;
    if (add({ ...rest, suspended: true })) leaving[entry.id] = since;
  }
  return withKnownFallbacks(withOneAtLeast({ published: { entries, keys: files, leaving }, verdicts }, { before, owner, dir }), owner);
};

/** A model that falls back to one that is not there falls back to the others. */
const withKnownFallbacks = ({ published, verdicts }: Desired, owner: ReadonlyMap<string, string>): Desired => {
  const ids = new Set(published.entries.map(({ id }) => id));
  const told = new Map(verdicts);
  const entries = published.entries.map((entry) => {
    const { fallback, ...rest } = entry;
    if (fallback === undefined) return entry;
    const known = [...new Set(fallback)].filter((id) => id !== entry.id && ids.has(id));
    const name = owner.get(entry.id) ?? '';
    const verdict = told.get(name);
    const without = fallback.filter((id) => !known.includes(id));
    if (without.length > 0 && (verdict?.word === 'published' || verdict?.word === 'suspended')) told.set(name, { ...verdict, without });
    return { ...rest, ...(known.length > 0 && { fallback: known }) };
  });
  return { published: { ...published, entries }, verdicts: told };
};

/** The name of an entry's key file. */
const fileOf = ({ apiKeyFile }: ModelEntry, dir: string): string | undefined => apiKeyFile?.slice(dir.length + 1);

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
  const files = new Set(offered.map((entry) => fileOf(entry, dir)));
  // Two models of one key file cannot both stay.
  const others = entries.filter((entry) => !held.has(entry.id) && !(entry.apiKeyFile && files.has(fileOf(entry, dir))));
  const needed = new Set([...offered, ...others].flatMap((entry) => fileOf(entry, dir) ?? []));
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
