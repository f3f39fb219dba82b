import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { Type } from 'typebox';
import { describe, expect, onTestFinished, test } from 'vitest';
import { commonSettings, portSettings } from './common.ts';
import { ConfigError, defineConfig, describeConfig, loadConfig } from './config.ts';
import { setting } from './setting.ts';

const spec = defineConfig({
  port: setting.integer('PORT', { default: 8080, minimum: 0, description: 'port' }),
  secret: setting.string('JWT_SECRET', { secret: true, minLength: 8, description: 'the key that signs tokens' }),
  redis: setting.url('REDIS_URL', { default: 'redis://localhost', schemes: ['redis'], description: 'redis' }),
  origins: setting.list('CORS_ORIGINS', { default: [], description: 'origins' }),
  models: setting.json('MODELS', Type.Array(Type.Object({ id: Type.String() })), { optional: true, description: 'models' }),
  drain: setting.duration('DRAIN_SECONDS', { default: 20_000, description: 'drain' }),
});

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(spec, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('loadConfig', () => {
  test('reads, converts and falls back to defaults', () => {
    const config = loadConfig(spec, {
      PORT: '0',
      JWT_SECRET: 'long enough',
      CORS_ORIGINS: 'https://a.example, https://b.example,',
      MODELS: '[{"id":"count"}]',
      DRAIN_SECONDS: '5',
    });
    expect(config).toEqual({
      port: 0,
      secret: 'long enough',
      redis: 'redis://localhost',
      origins: ['https://a.example', 'https://b.example'],
      models: [{ id: 'count' }],
      drain: 5000,
    });
  });

  test('an empty variable counts as not set', () => {
    const config = loadConfig(spec, { PORT: '', JWT_SECRET: 'long enough', MODELS: '  ' });
    expect(config.port).toBe(8080);
    expect(config.models).toBeUndefined();
  });

  test('tells all problems at once, each with the variable and what it got', () => {
    expect(problemsOf({ PORT: '80a', REDIS_URL: 'http://x', MODELS: '[{"name":1}]', DRAIN_SECONDS: 'soon' })).toEqual([
      'PORT must be a whole number, got "80a"',
      'JWT_SECRET is not set (the key that signs tokens)',
      'REDIS_URL must be a URL that starts redis://, got "http://x"',
      'MODELS /0/id is missing',
      'DRAIN_SECONDS must be a duration such as 500ms, 3s or 5m, got "soon"',
    ]);
  });

  test('each address of a list is checked', () => {
    const pods = defineConfig({ pods: setting.urls('PODS', { default: [], description: 'pods' }) });
    expect(loadConfig(pods, { PODS: 'http://a:1, https://b' }).pods).toEqual(['http://a:1', 'https://b']);
    expect(() => loadConfig(pods, { PODS: 'http://a,zap' })).toThrow('PODS must be a URL that starts http:// or https://');
  });

  test('a rule tells what settings are wrong together, beside what is wrong alone, and not of one that could not be read', () => {
    const door = defineConfig(
      {
        lock: setting.boolean('LOCK', { default: false, description: 'lock' }),
        key: setting.string('KEY', { optional: true, description: 'key' }),
        port: setting.integer('PORT', { default: 1, description: 'port' }),
      },
      [{ of: ['lock', 'key'], problems: ({ lock, key }) => (lock === (key !== undefined) ? [] : ['LOCK goes with KEY']) }],
    );
    expect(loadConfig(door, { LOCK: 'true', KEY: 'k' })).toEqual({ lock: true, key: 'k', port: 1 });
    expect(() => loadConfig(door, { PORT: 'x', KEY: 'k' })).toThrow(/^PORT must be a whole number, got "x"\nLOCK goes with KEY$/);
    expect(() => loadConfig(door, { LOCK: 'maybe', KEY: 'k' })).toThrow(/^LOCK must be true or false, got "maybe"$/);
  });

  test('never repeats a secret, nor a password inside a URL', () => {
    const problems = problemsOf({ JWT_SECRET: 'short', REDIS_URL: 'http://me:hunter2@host' }).join('\n');
    expect(problems).toContain('JWT_SECRET');
    expect(problems).not.toContain('short');
    expect(problems).not.toContain('hunter2');
  });
});

test('describeConfig shows what the service runs with, by variable, without secrets', () => {
  const config = loadConfig(spec, { JWT_SECRET: 'long enough', REDIS_URL: 'redis://me:hunter2@host:1/0', DRAIN_SECONDS: '90' });
  expect(describeConfig(spec, config)).toEqual({
    PORT: '8080',
    JWT_SECRET: '***',
    REDIS_URL: 'redis://host:1',
    CORS_ORIGINS: '',
    DRAIN_SECONDS: '90s',
  });
});

test('two settings cannot read one variable', () => {
  const port = setting.integer('PORT', { default: 1, description: 'port' });
  expect(() => defineConfig({ a: port, b: port })).toThrow(/two settings read PORT/);
});

test('a service takes the common settings and puts its own ports over them', () => {
  const config = loadConfig(defineConfig({ ...commonSettings, ...portSettings(8081, 9081) }), {});
  expect(config).toMatchObject({ port: 8081, internalPort: 9081, host: '0.0.0.0', logLevel: 'info', otlpEndpoint: undefined });
  expect(config.nodeId).toMatch(/-\d+$/);
});

test('S-19 a password never gets out, in the start line or an error, whatever characters it has', () => {
  const spec = defineConfig({
    redisUrl: setting.url('REDIS_URL', { schemes: ['redis', 'redis+cluster'], description: 'x' }),
    jwksUrl: setting.url('JWKS_URL', { optional: true, description: 'x' }),
    pods: setting.urls('PODS', { default: [], description: 'x' }),
  });
  const said = (env: Record<string, string>): string => {
    try {
      return JSON.stringify(describeConfig(spec, loadConfig(spec, env)));
    } catch (error) {
      return (error as Error).message;
    }
  };
  // A marker in front and behind, so that a part of the password is found as well.
  const password = fc.string({ unit: fc.constantFrom(...'/@#%?:\\&=+,;[]{}|^~"<>1aé ') }).map((middle) => `hunter2${middle}s3cret`);
  fc.assert(
    fc.property(password, fc.constantFrom('redis', 'redis+cluster', 'http'), (secret, scheme) => {
      const texts = [
        said({ REDIS_URL: `${scheme}://user:${secret}@host:6379/0` }),
        said({ REDIS_URL: `redis://:${secret}@h1:1,h2:2` }),
        said({ REDIS_URL: 'redis://host', JWKS_URL: `https://id.example.org/keys?apikey=${secret}` }),
        said({ REDIS_URL: 'redis://host', PODS: `http://a:${secret}@b,http://c/${secret}` }),
      ];
      for (const text of texts) expect(text).not.toMatch(/hunter2|s3cret/);
    }),
    { numRuns: 2000 },
  );
  expect(said({ REDIS_URL: 'redis+cluster://u:p@h1:1,h2:2/0', JWKS_URL: 'https://id.example.org/keys' })).toBe(
    '{"REDIS_URL":"redis+cluster://h1:1,h2:2","JWKS_URL":"https://id.example.org","PODS":""}',
  );
});

describe('a secret in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-config-'));
  const file = (text: string): string => {
    const path = join(folder, 'value');
    writeFileSync(path, text);
    return path;
  };
  const doors = defineConfig({
    secret: setting.string('JWT_SECRET', { optional: true, secret: true, minLength: 8, description: 'key' }),
    redis: setting.url('REDIS_URL', { default: 'redis://localhost', schemes: ['redis'], inFile: true, description: 'redis' }),
    token: setting.string('TOKEN', { optional: true, secret: true, description: 'token' }),
    tokenFile: setting.string('TOKEN_FILE', { optional: true, description: 'its own' }),
    level: setting.string('LEVEL', { default: 'info', description: 'level' }),
  });

  test('is read without the line break at its end, and an address that may hold a password as well', () => {
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    expect(loadConfig(doors, { JWT_SECRET_FILE: file('of enough length\n') }).secret).toBe('of enough length');
    expect(loadConfig(doors, { REDIS_URL_FILE: file('redis://u:p@h\n') }).redis).toBe('redis://u:p@h');
    expect(loadConfig(doors, { JWT_SECRET_FILE: '' }).secret).toBeUndefined();
    expect(() => loadConfig(doors, { JWT_SECRET_FILE: file('short') })).toThrow(/^JWT_SECRET must NOT|^JWT_SECRET must/);
    expect(() => loadConfig(doors, { JWT_SECRET: 'of enough length', JWT_SECRET_FILE: file('of enough length') })).toThrow(
      'JWT_SECRET and JWT_SECRET_FILE are both set',
    );
    expect(() => loadConfig(doors, { JWT_SECRET_FILE: join(folder, 'none') })).toThrow('JWT_SECRET_FILE must be the path of a file');
  });

  test('is nothing else than a secret, nor what a service reads as a file itself', () => {
    expect(loadConfig(doors, { LEVEL_FILE: '/nowhere', TOKEN_FILE: '/nowhere' })).toMatchObject({ level: 'info', token: undefined });
  });
});
