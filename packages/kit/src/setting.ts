import { Type, type Static, type TSchema } from 'typebox';
import type { Setting } from './config.ts';

interface Options<T> {
  default?: T;
  /** Absent is a valid state: the value is then undefined. */
  optional?: boolean;
  secret?: boolean;
  inFile?: boolean;
  description: string;
  /** For the documentation, when the default differs from machine to machine. */
  defaultText?: string;
}
/** A file that a setting names, as it was at the start. */
export interface FileText {
  path: string;
  text: string;
}
interface FileOptions extends Options<FileText> {
  readFile: (path: string) => string;
}
type Resolved<T, O> = O extends { optional: true } ? T | undefined : T;

interface StringOptions extends Options<string> {
  minLength?: number;
  pattern?: string;
}
interface NumberOptions extends Options<number> {
  minimum?: number;
  maximum?: number;
}
interface UrlOptions extends Options<string> {
  /** Allowed schemes without the colon, for example `['redis', 'rediss']`; http and https when absent. */
  schemes?: readonly string[];
}
interface JsonOptions<T> extends Options<T> {
  /** When given, a text that is not JSON is the path of a JSON file. */
  readFile?: (path: string) => string;
}

function make<T, O extends Options<T>>(env: string, schema: TSchema, parse: (raw: string) => T, options: O): Setting<Resolved<T, O>> {
  return {
    env,
    schema,
    description: options.description,
    parse: parse as (raw: string) => Resolved<T, O>,
    ...(options.default !== undefined && { default: options.default as Resolved<T, O> }),
    ...(options.optional !== undefined && { optional: options.optional }),
    ...(options.secret !== undefined && { secret: options.secret }),
    ...(options.inFile !== undefined && { inFile: options.inFile }),
    ...(options.defaultText !== undefined && { defaultText: options.defaultText }),
  };
}

const FILE = Type.Object({ path: Type.String(), text: Type.String() }, { title: 'file' });

const present = <T extends object>(fields: T): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;

const bounds = ({ minimum, maximum }: NumberOptions) => present({ minimum, maximum });

function parseNumber(raw: string, pattern: RegExp, what: string): number {
  if (!pattern.test(raw)) throw new Error(`must be ${what}`);
  return Number(raw);
}

function parseBoolean(raw: string): boolean {
  const word = raw.toLowerCase();
  if (['true', '1', 'yes', 'on'].includes(word)) return true;
  if (['false', '0', 'no', 'off'].includes(word)) return false;
  throw new Error('must be true or false');
}

const splitList = (raw: string): string[] =>
  raw
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

/** A Redis Cluster or its sentinels are several hosts in one URL, `redis+cluster://a:1,b:2`: no URL by the standard, so each is read alone. */
function parseUrl(raw: string, schemes: readonly string[]): string {
  const [, head = '', hosts = '', rest = ''] = /^([a-z+]+:\/\/(?:[^@/]*@)?)([^/?#]*)(.*)$/i.exec(raw) ?? [];
  const scheme = head.slice(0, head.indexOf(':')).toLowerCase();
  if (!schemes.includes(scheme) || !hosts.split(',').every((host) => host !== '' && URL.canParse(`${head}${host}${rest}`)))
    throw new Error(`must be a URL that starts ${schemes.map((s) => `${s}://`).join(' or ')}`);
  return raw;
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `500ms`, `3s`, `5m`, `24h`, `7d`; a bare number counts in the unit that the variable's name ends with. */
function parseDuration(raw: string, env: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(raw) ?? [];
  if (digits === '') throw new Error('must be a duration such as 500ms, 3s or 5m');
  return Math.round(Number(digits) * (UNITS[unit] ?? bareUnitMs(env)));
}

/** In the largest unit that leaves a whole number. */
function showDuration(ms: number): string {
  const [unit, size] = Object.entries(UNITS).findLast(([, unitMs]) => ms % unitMs === 0 && ms >= unitMs) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

function bareUnitMs(env: string): number {
  if (env.endsWith('_SECONDS')) return 1000;
  if (env.endsWith('_MINUTES')) return 60_000;
  if (env.endsWith('_HOURS')) return 3_600_000;
  return 1;
}

function parseJson(raw: string, readFile: ((path: string) => string) | undefined): unknown {
  const isJson = /^[[{"\d]|^(true|false|null)$/.test(raw);
  if (!isJson && readFile === undefined) throw new Error('must be JSON');
  let text = raw;
  if (!isJson && readFile !== undefined) {
    try {
      text = readFile(raw);
    } catch (error) {
      throw new Error('must be JSON or the path of a file that can be read', { cause: error });
    }
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`is not valid JSON${isJson ? '' : ' in that file'}`, { cause: error });
  }
}

function parseFile(path: string, readFile: (path: string) => string): FileText {
  try {
    return { path, text: readFile(path) };
  } catch (error) {
    throw new Error('must be the path of a file that can be read', { cause: error });
  }
}

/**
 * Builders for settings. A setting without `default` must be set, unless it is `optional: true`, which adds `undefined`
 * to its type.
 */
export const setting = {
  string: <const O extends StringOptions>(env: string, options: O) =>
    make<string, O>(env, Type.String(present({ minLength: options.minLength, pattern: options.pattern })), (raw) => raw, options),

  integer: <const O extends NumberOptions>(env: string, options: O) =>
    make<number, O>(env, Type.Integer(bounds(options)), (raw) => parseNumber(raw, /^-?\d+$/, 'a whole number'), options),

  number: <const O extends NumberOptions>(env: string, options: O) =>
    make<number, O>(env, Type.Number(bounds(options)), (raw) => parseNumber(raw, /^-?\d+(\.\d+)?$/, 'a number'), options),

  boolean: <const O extends Options<boolean>>(env: string, options: O) => make<boolean, O>(env, Type.Boolean(), parseBoolean, options),

  /** Comma-separated; blanks around and empty items are dropped. */
  list: <O extends Options<string[]>>(env: string, options: O) => make<string[], O>(env, Type.Array(Type.String()), splitList, options),

  oneOf: <const W extends string, const O extends Options<W>>(env: string, words: readonly W[], options: O) =>
    make<W, O>(env, Type.String({ enum: [...words] }), (raw) => oneOf(raw, words), options),

  /** Kept as the text that was given, so that it can be handed on; only checked. */
  url: <const O extends UrlOptions>(env: string, options: O) =>
    make<string, O>(env, Type.String(), (raw) => parseUrl(raw, options.schemes ?? ['http', 'https']), options),

  /** Comma-separated addresses, each checked. */
  urls: <const O extends Options<string[]>>(env: string, options: O) =>
    make<string[], O>(env, Type.Array(Type.String()), (raw) => splitList(raw).map((item) => parseUrl(item, ['http', 'https'])), options),

  json: <S extends TSchema, O extends JsonOptions<Static<S>>>(env: string, schema: S, options: O) =>
    make<Static<S>, O>(env, schema, (raw) => parseJson(raw, options.readFile) as Static<S>, options),

  /** Read at the start. What is in it may be a secret: only its path is ever shown. */
  file: <const O extends FileOptions>(env: string, options: O) => ({
    ...make<FileText, O>(env, FILE, (raw) => parseFile(raw, options.readFile), options),
    show: (value: Resolved<FileText, O>) => value?.path ?? '',
  }),

  /** The value and the default are milliseconds, whatever unit the variable's name has. */
  duration: <const O extends NumberOptions>(env: string, options: O) => ({
    ...make<number, O>(env, Type.Integer({ title: 'duration', minimum: 0, ...bounds(options) }), (raw) => parseDuration(raw, env), options),
    show: (value: Resolved<number, O>) => (value === undefined ? '' : showDuration(value)),
  }),
};

function oneOf<W extends string>(raw: string, words: readonly W[]): W {
  const found = words.find((word) => word === raw);
  if (found === undefined) throw new Error(`must be one of ${words.join(', ')}`);
  return found;
}
