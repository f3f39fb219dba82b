import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Cluster, Redis } from 'ioredis';
import type { ScriptArgs } from './args/script-args.ts';
import { isKeyName, keyName, type KeyName, type KeyParts } from './keys.ts';
import { LIMITS, type LimitName } from '../limits.ts';
import { LARGE_MESSAGE_BYTES } from './large/large-message.ts';

/** One state change as one Lua file, and what its header says. */
export interface Script {
  name: ScriptName;
  /** With includes expanded and limits as numbers: what is sent to Redis. */
  lua: string;
  keys: readonly string[];
  args: readonly string[];
  /** The words (or shapes) of the header's `Returns`. */
  outcomes: readonly string[];
  /** The keys and arguments are followed by a group per run (`renew-leases`). */
  repeats: boolean;
}

export type ScriptName = keyof ScriptArgs;

const NAMES = [
  'append-chunk',
  'put-part',
  'append-part-chunk',
  'park-run',
  'decide-part',
  'begin-run',
  'claim-run',
  'switch-model',
  'end-run',
  'cancel-run',
  'renew-leases',
  'release-run',
  'doubt-owner',
  'find-free-runs',
  'count-waiting',
  'read-state',
  'restore-run',
  'restore-end',
  'rehydrate',
  'merge-stored',
  'expel',
  'fork-conversation',
  'delete-message',
  'delete-conversation',
  'set-title',
  'propose-title',
  'set-preset',
  'read-history',
  'note-conversation',
  'list-conversations',
  'note-store',
  'note-presence',
  'note-relay',
  'take-shard',
  'reserve-run',
  'find-run',
  'spend-bytes',
  'hold-share',
  'keep-places',
  'note-holder',
  'forget-person',
  'add-grant',
  'use-grant',
  'list-grants',
  'end-grant',
  'keep-grant',
  'put-record',
  'read-records',
  'merge-records',
  'forget-records',
] as const satisfies ScriptName[];

const FOLDER = join(import.meta.dirname, 'lua');
/** By name: the rooms of the folder are for people, names are unique without them. */
const FILES = new Map(globSync('**/*.lua', { cwd: FOLDER }).map((file) => [basename(file, '.lua'), join(FOLDER, file)]));
const sourceOf = (name: string): string => readFileSync(FILES.get(name)!, 'utf8');

/** Replaces each `-- @include name` line by `include/name.lua`, indented like the line. */
const expandIncludes = (lua: string, read: (name: string) => string): string =>
  lua.replace(/^([ ]*)-- @include ([a-z]+)$/gm, (_line, indent: string, name: string) =>
    read(name)
      .trimEnd()
      .replace(/^(?=.)/gm, indent),
  );

/**
 * Writes the number in the place of each `limits.<name>`. The text that Redis gets is what it would be with the numbers written by hand, so
 * a script whose limits stay as they were keeps its SHA.
 */
const writeLimits = (lua: string): string =>
  lua.replace(/\blimits\.(\w+)/g, (_name, limit: string) => {
    if (!Object.hasOwn(LIMITS, limit)) throw new Error(`No limit of limits.ts is named ${limit}`);
    return String(LIMITS[limit as LimitName]);
  });

const words = (text: string): string[] => text.split(/\s+/).filter(Boolean);

/** One labelled line of a header, with the lines that go on with `|`. */
const section = (lua: string, label: string): string => {
  const lines = lua.split('\n');
  const first = lines.findIndex((line) => line.startsWith(`-- ${label} `));
  if (first < 0) return '';
  let last = first + 1;
  while (/^-- {5,}\|/.test(lines[last] ?? '')) last++;
  // Three spaces and a bracket begin a remark.
  return lines
    .slice(first, last)
    .join(' ')
    .replaceAll(/-- +/g, '')
    .slice(label.length)
    .replace(/ {3,}\(.*$/, '')
    .trim();
};

/** Reads the header of a Lua file: the order of KEYS and ARGV is written there and nowhere else. */
const readHeader = (lua: string): Pick<Script, 'keys' | 'args' | 'outcomes' | 'repeats'> => {
  const [keys = '', eachKeys] = section(lua, 'KEYS').split(', then for each run: ');
  const [args = ''] = section(lua, 'ARGV').split(', then for each run: ');
  const returns = section(lua, 'Returns').replace(/^for each run: /, '');
  return {
    keys: words(keys),
    args: words(args),
    outcomes: returns.split('|').map((outcome) => outcome.trim()),
    repeats: eachKeys !== undefined,
  };
};

export const loadScript = (name: ScriptName): Script => {
  const lua = sourceOf(name);
  return { name, lua: writeLimits(expandIncludes(lua, sourceOf)), ...readHeader(lua) };
};

export const loadScripts = (): Script[] => NAMES.map(loadScript);

/** Bytes as text, but for what is large. */
const smallAsText = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(smallAsText);
  return Buffer.isBuffer(value) && value.length <= LARGE_MESSAGE_BYTES ? value.toString() : value;
};

type Command = (numberOfKeys: number, ...keysAndArgs: (string | number)[]) => Promise<unknown>;

export interface ScriptRunner {
  /** Runs a script on the keys of a conversation and run. */
  run<N extends ScriptName>(name: N, parts: KeyParts, args: ScriptArgs[N]): Promise<unknown>;
  /** The same, and what is large in the answer stays bytes. */
  runLarge<N extends ScriptName>(name: N, parts: KeyParts, args: ScriptArgs[N]): Promise<unknown>;
  /** Runs a script whose keys and arguments come in groups. */
  runMany(name: ScriptName, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
}

/** Registers every script with a client; `EVALSHA` first, the text only when Redis does not have it. */
export const registerScripts = (client: Redis | Cluster): ScriptRunner => {
  const commands = new Map<ScriptName, { script: Script; send: Command; sendForBytes: Command }>();
  for (const script of loadScripts()) {
    client.defineCommand(script.name, { lua: script.lua });
    const send = (client as unknown as Record<string, Command>)[script.name]!.bind(client);
    const sendForBytes = (client as unknown as Record<string, Command>)[`${script.name}Buffer`]!.bind(client);
    commands.set(script.name, { script, send, sendForBytes });
  }
  const sentOf = (script: Script, parts: KeyParts, values: Record<string, string | number>): (string | number)[] => {
    const sent: (string | number)[] = [];
    for (const key of script.keys) sent.push(keyName(key as KeyName, parts));
    for (const arg of script.args) {
      sent.push(arg === 'conversationId' ? parts.conversationId : arg === 'runId' ? parts.runId : values[arg]!);
    }
    return sent;
  };
  return {
    run(name, parts, args) {
      const { script, send } = commands.get(name)!;
      return send(script.keys.length, ...sentOf(script, parts, args as Record<string, string | number>));
    },
    async runLarge(name, parts, args) {
      const { script, sendForBytes } = commands.get(name)!;
      const reply = await sendForBytes(script.keys.length, ...sentOf(script, parts, args as Record<string, string | number>));
      return smallAsText(reply);
    },
    runMany: (name, keys, args) => commands.get(name)!.send(keys.length, ...keys, ...args),
  };
};

/** Names in a header that are no keys of ours; empty when the header is right. */
export const unknownKeys = (script: Script): string[] => script.keys.filter((key) => !isKeyName(key));
