import { readFileSync } from 'node:fs';
import { Value } from 'typebox/value';
import type { TSchema } from 'typebox';
import { hideInUrl } from './hide-in-url.ts';
import { schemaProblems } from './schema-problems.ts';

/**
 * One environment variable. The schema checks the parsed value and feeds `docs/configuration.md`; `parse` turns the text
 * into the value and throws an Error whose message reads after the variable's name ("must be …").
 */
export interface Setting<T = unknown> {
  env: string;
  schema: TSchema;
  /** Used when the variable is absent or empty. Without one, and not `optional`, the variable must be set. */
  default?: T;
  optional?: boolean;
  /** Never printed, neither in the start line nor in an error. */
  secret?: boolean;
  /** May be read from the file that `<env>_FILE` names instead; all secrets may. */
  inFile?: boolean;
  description: string;
  /** Said in the documentation instead of a default that differs from machine to machine. */
  defaultText?: string;
  parse(raw: string): T;
  /** The value as one would write it in the environment where that is not plain. */
  show?(value: T): string;
}
export type Settings = Record<string, Setting>;

/** What several settings must be together. Asked only when each of them alone is right. */
export interface Rule<S extends Settings = Settings> {
  of: readonly (keyof S & string)[];
  /** What is wrong, a line each that begins with a variable's name. */
  problems(config: ConfigOf<S>): readonly string[];
}

export interface ConfigSpec<S extends Settings = Settings> {
  readonly settings: S;
  readonly rules: readonly Rule[];
}
export type ConfigOf<S extends Settings> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };
/** The configuration object that `loadConfig` makes from a spec: `type Config = LoadedConfig<typeof configSpec>`. */
export type LoadedConfig<C extends ConfigSpec> = ConfigOf<C['settings']>;

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment is not usable; `problems` has one line for each variable, or combination of them, that is wrong. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

export function defineConfig<S extends Settings>(settings: S, rules: readonly Rule<NoInfer<S>>[] = []): ConfigSpec<S> {
  const seen = new Set<string>();
  for (const { env } of Object.values(settings)) {
    if (seen.has(env)) throw new Error(`two settings read ${env}`);
    seen.add(env);
  }
  return { settings, rules };
}

/** The variable that names a file with the value, where one may; not where the service reads such a variable itself. */
export function fileVariable({ settings }: ConfigSpec, { env, secret, inFile }: Setting): string | undefined {
  const name = `${env}_FILE`;
  return (secret || inFile) && !Object.values(settings).some((other) => other.env === name) ? name : undefined;
}

/**
 * Reads every setting. An empty variable counts as absent: `FOO=` is how compose files and charts say "not set". A secret may stand in a
 * file (`FOO_FILE`), as agents of secret stores leave them.
 * @throws ConfigError with all problems at once
 */
export function loadConfig<S extends Settings>(spec: ConfigSpec<S>, env: Environment): ConfigOf<S> {
  const problems: string[] = [];
  const config: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(spec.settings)) {
    try {
      config[name] = readSetting(setting, textOf(spec, setting, env));
    } catch (error) {
      const lines = error instanceof ConfigError ? error.problems : [error instanceof Error ? error.message : String(error)];
      problems.push(...lines.map((line) => `${setting.env} ${line}`));
    }
  }
  for (const { of, problems: problemsOf } of spec.rules)
    if (of.every((name) => name in config)) problems.push(...problemsOf(config as ConfigOf<S>));
  if (problems.length > 0) throw new ConfigError(problems);
  return config as ConfigOf<S>;
}

/** What the service runs with, by variable name, for the start line. Secrets are `***`; of URLs there is scheme and host alone. */
export function describeConfig<S extends Settings>(spec: ConfigSpec<S>, config: ConfigOf<S>): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const [name, setting] of Object.entries(spec.settings)) {
    const value: unknown = config[name];
    if (value === undefined) continue;
    shown[setting.env] = setting.secret ? '***' : showWithoutSecrets(setting, value);
  }
  return shown;
}

/** A value as one would write it in the environment. */
export function showSetting(setting: Setting, value: unknown): string {
  if (setting.show !== undefined) return setting.show(value);
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',');
  return JSON.stringify(value);
}

function textOf(spec: ConfigSpec, setting: Setting, env: Environment): string | undefined {
  const text = env[setting.env];
  const variable = fileVariable(spec, setting);
  const path = variable === undefined ? '' : (env[variable]?.trim() ?? '');
  if (path === '') return text;
  if (text !== undefined && text.trim() !== '') throw new Error(`and ${variable} are both set`);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`cannot be read: ${variable} must be the path of a file that can`, { cause: error });
  }
}

function readSetting(setting: Setting, text: string | undefined): unknown {
  const raw = text?.trim() ?? '';
  if (raw === '') {
    if (setting.default !== undefined || setting.optional) return setting.default;
    throw new Error(`is not set (${setting.description})`);
  }
  const got = setting.secret ? '' : `, got "${hideInUrl(raw).slice(0, 80)}"`;
  let value: unknown;
  try {
    value = setting.parse(raw);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}${got}`, { cause: error });
  }
  const isPlain = typeof value !== 'object' || setting.secret;
  const [first] = Value.Errors(setting.schema, value);
  if (first === undefined) return value;
  if (isPlain) throw new Error(`${first.message}${got}`);
  throw new ConfigError(schemaProblems(setting.schema, value));
}

/** Item by item, for a password may hold what separates or quotes them. */
function showWithoutSecrets(setting: Setting, value: unknown): string {
  if (setting.show !== undefined) return hideInUrl(setting.show(value));
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.map(hideInUrl).join(',');
  return typeof value === 'string'
    ? hideInUrl(value)
    : JSON.stringify(value, (_name, part: unknown) => (typeof part === 'string' ? hideInUrl(part) : part));
}

/** What another part found at the start that is the configuration's fault, as such. Always throws. */
export const asConfigError = (error: unknown): never => {
  throw new ConfigError([error instanceof Error ? error.message : String(error)]);
};
