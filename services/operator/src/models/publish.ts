import type { ModelEntry } from '@runnel/protocol/http';
import type { ChatModel } from '../kinds/chat-model.ts';
import { entryOf, idOf, keyFileOf, nameOf } from './entry.ts';

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
  | { word: 'published' | 'suspended' }
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
    const file = keyFileOf(model);
    const oldKey = before?.keys[file];
    const keep = (verdict: Verdict & { kept: boolean }) =>
      verdict.kept
        ? { entry: { ...old!, ...(model.spec.suspended && { suspended: true }) }, ...(oldKey && { key: oldKey }), verdict }
        : { verdict };
    const made = entryOf(model, dir);
    if ('problems' in made) return keep({ word: 'wrong', problems: made.problems, kept: old !== undefined });
    const named = keyRef(model);
    const key = named === undefined ? undefined : (keys.get(named) ?? { missing: 'unread' as const });
    const verdict: Verdict = { word: model.spec.suspended ? 'suspended' : 'published' };
    if (key === undefined) return { entry: made.entry, verdict };
    if ('found' in key) return { entry: made.entry, key: key.found, verdict };
    // The key of before is good as long as nobody says otherwise: a Secret may be replaced by deleting and making it.
    if (oldKey !== undefined) return { entry: made.entry, key: oldKey, verdict: { word: 'key-missing', why: key.missing, kept: true } };
    return keep({ word: 'key-missing', why: key.missing, kept: old !== undefined && old.apiKeyFile === undefined });
  };

  const add = (entry: ModelEntry, file?: string, key?: string): boolean => {
    const size = Buffer.byteLength(JSON.stringify(entry)) + 1 + (key?.length ?? 0);
    if (bytes + size > MOST_BYTES) return false;
    bytes += size;
    entries.push(entry);
    if (file !== undefined && key !== undefined) files[file] = key;
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
      if (!add(second ? rest : entry, keyFileOf(model), key)) told = { word: 'too-many' };
    }
    verdicts.set(name, told);
  }

  const leaving: Record<string, number> = {};
  const mine = new Set(models.map(keyFileOf));
  for (const entry of before?.entries ?? []) {
    if (owner.has(entry.id) || isBuiltIn(entry)) continue;
    const since = before!.leaving[entry.id] ?? now;
    const ended = running !== undefined && (running.get(entry.id) ?? 0) === 0 && now - since >= LEAST_LEAVING_MS;
    if (ended || now - since >= LEAVING_MS) continue;
    const { default: _default, ...rest } = entry;
    const file = entry.apiKeyFile?.slice(dir.length + 1);
    const key = file === undefined || mine.has(file) ? undefined : before!.keys[file];
    if (add({ ...rest, suspended: true }, file, key)) leaving[entry.id] = since;
  }
  return withOneAtLeast({ published: { entries, keys: files, leaving }, verdicts }, before, owner);
};

const isBuiltIn = ({ id, name }: ModelEntry): boolean => BUILT_IN.some((entry) => entry.id === id && entry.name === name);

/** AI pods refuse a file that offers nothing: what was offered last stays then, and without any there is what is built in. */
const withOneAtLeast = (desired: Desired, before: Published | null, owner: ReadonlyMap<string, string>): Desired => {
  const { entries, keys, leaving } = desired.published;
  if (entries.some(({ suspended }) => !suspended)) return desired;
  const offered = before?.entries.filter(({ suspended }) => !suspended) ?? [];
  if (offered.length === 0) return { ...desired, published: { entries: [...BUILT_IN, ...entries], keys, leaving } };
  const held = new Map(offered.map((entry) => [entry.id, entry]));
  const files = new Set(offered.map(({ apiKeyFile = '' }) => apiKeyFile.slice(apiKeyFile.lastIndexOf('/') + 1)));
  const kept = Object.fromEntries(Object.entries(before!.keys).filter(([file]) => files.has(file)));
  const verdicts = new Map(desired.verdicts);
  for (const id of held.keys()) if (owner.has(id)) verdicts.set(owner.get(id)!, { word: 'last-one' });
  return {
    published: { entries: [...offered, ...entries.filter(({ id }) => !held.has(id))], keys: { ...kept, ...keys }, leaving },
    verdicts,
  };
};
