import fc from 'fast-check';
import { Type } from 'typebox';
import { describe, expect, test } from 'vitest';
import { configTable } from './config-docs.ts';
import { defineConfig, describeConfig, loadConfig, type Setting } from './config.ts';
import { setting } from './setting.ts';

const read = <T>(one: Setting<T>, raw: string): T => loadConfig(defineConfig({ one }), { [one.env]: raw }).one as T;

describe('duration', () => {
  const ms = (env: string, raw: string) => read(setting.duration(env, { default: 0, description: '' }), raw);

  test.each([
    ['LEASE_MS', '3000', 3000],
    ['LEASE_MS', '3s', 3000],
    ['DRAIN_SECONDS', '20', 20_000],
    ['DRAIN_SECONDS', '1.5s', 1500],
    ['TTL', '24h', 86_400_000],
    ['TTL', '7d', 604_800_000],
    ['KEEP_MINUTES', '2', 120_000],
    ['KEEP_HOURS', '1', 3_600_000],
  ])('%s=%s is %i ms', (env, raw, expected) => expect(ms(env, raw)).toBe(expected));

  test('what describeConfig shows reads back as the same value', () => {
    const spec = defineConfig({ ttl: setting.duration('TTL_SECONDS', { default: 0, description: '' }) });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 12 }), (ttl) => {
        expect(loadConfig(spec, { TTL_SECONDS: describeConfig(spec, { ttl })['TTL_SECONDS'] }).ttl).toBe(ttl);
      }),
    );
  });

  test('is refused outside its bounds', () => {
    expect(() => read(setting.duration('LEASE_MS', { default: 1000, minimum: 500, description: '' }), '100')).toThrow(/>= 500/);
    expect(() => ms('LEASE_MS', '-1')).toThrow(/duration/);
  });
});

test('integer takes no fraction, no blank and no exponent', () => {
  const port = setting.integer('PORT', { default: 1, description: '' });
  for (const raw of ['1.5', '1e3', '0x10', 'NaN', '1 2']) expect(() => read(port, raw)).toThrow(/whole number/);
});

test('boolean knows the usual words and nothing else', () => {
  const flag = setting.boolean('FLAG', { default: false, description: '' });
  expect(['true', '1', 'YES', 'on'].map((raw) => read(flag, raw))).toEqual([true, true, true, true]);
  expect(['false', '0', 'no', 'Off'].map((raw) => read(flag, raw))).toEqual([false, false, false, false]);
  expect(() => read(flag, 'maybe')).toThrow(/true or false/);
});

test('oneOf names the words it takes', () => {
  const mode: Setting<'dev' | 'jwt'> = setting.oneOf('AUTH_MODE', ['dev', 'jwt'], { default: 'dev', description: '' });
  expect(read(mode, 'jwt')).toBe('jwt');
  expect(() => read(mode, 'none')).toThrow('AUTH_MODE must be one of dev, jwt, got "none"');
});

test('file is read at the start, and shown by its path only', () => {
  const readFile = (path: string): string => {
    if (path !== '/etc/ca.pem') throw new Error('ENOENT');
    return 'what is in it';
  };
  const spec = defineConfig({ ca: setting.file('CA_FILE', { optional: true, readFile, description: 'authorities' }) });
  const config = loadConfig(spec, { CA_FILE: '/etc/ca.pem' });
  expect(config.ca).toEqual({ path: '/etc/ca.pem', text: 'what is in it' });
  expect(describeConfig(spec, config)).toEqual({ CA_FILE: '/etc/ca.pem' });
  expect(() => loadConfig(spec, { CA_FILE: '/etc/no.pem' })).toThrow(
    'CA_FILE must be the path of a file that can be read, got "/etc/no.pem"',
  );
  expect(configTable(spec)).toContain('| `CA_FILE` | authorities | path of a file | none |');
});

test('url takes several hosts, as a Redis Cluster and its sentinels are named', () => {
  const redis = setting.url('REDIS_URL', { default: '', schemes: ['redis', 'redis+cluster', 'redis+sentinel'], description: '' });
  for (const raw of ['redis://h', 'redis+cluster://a:1,b:2,[::1]:3', 'redis+sentinel://u:p@a:1,b:2/master/0'])
    expect(read(redis, raw)).toBe(raw);
  for (const raw of ['a:1,b:2', 'http://a', 'redis+cluster://a:1,', 'redis+cluster://a:1,b:x', 'redis://']) {
    expect(() => read(redis, raw)).toThrow(/must be a URL/);
  }
});

describe('json', () => {
  const schema = Type.Array(Type.Number());
  const files: Record<string, string> = { 'models.json': '[1,2]', 'broken.json': '[1,' };
  const readFile = (path: string): string => {
    const text = files[path];
    if (text === undefined) throw new Error('ENOENT');
    return text;
  };
  const list = setting.json('LIST', schema, { default: [], readFile, description: '' });

  test('takes the text itself or the path of a file', () => {
    expect(read(list, '[3]')).toEqual([3]);
    expect(read(list, 'models.json')).toEqual([1, 2]);
  });
  test('says whether the text or the file is at fault', () => {
    expect(() => read(list, '[3')).toThrow('LIST is not valid JSON, got "[3"');
    expect(() => read(list, 'broken.json')).toThrow(/not valid JSON in that file/);
    expect(() => read(list, 'absent.json')).toThrow(/path of a file that can be read/);
    expect(() => read(setting.json('LIST', schema, { default: [], description: '' }), 'models.json')).toThrow(/must be JSON/);
  });
});

test('the documentation table follows from the same spec', () => {
  const table = configTable(
    defineConfig({
      port: setting.integer('PORT', { default: 0, minimum: 0, maximum: 9, description: 'a | b' }),
      key: setting.string('KEY', { secret: true, description: 'the key' }),
      mode: setting.oneOf('MODE', ['dev', 'jwt'], { default: 'dev', description: 'mode' }),
      wait: setting.duration('WAIT_SECONDS', { default: 20_000, description: 'wait' }),
      list: setting.list('LIST', { optional: true, description: 'list' }),
      node: setting.string('NODE_ID', { default: 'this-machine-1', defaultText: 'host name', description: 'node' }),
    }),
  );
  expect(table.split('\n').slice(2)).toEqual([
    '| `PORT` | a \\| b | integer, 0 to 9 | `0` |',
    '| `KEY`, `KEY_FILE` (secret) | the key | string | **required** |',
    '| `MODE` | mode | `dev`, `jwt` | `dev` |',
    '| `WAIT_SECONDS` | wait | duration (`500ms`, `3s`, `5m`) | `20s` |',
    '| `LIST` | list | list, by commas | none |',
    '| `NODE_ID` | node | string | host name |',
  ]);
});
