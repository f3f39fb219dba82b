import { expect, test } from 'vitest';
import { ConfigError } from './config.ts';
import { describeStartupFailure } from './startup-failure.ts';

const failure = (fields: object, message = 'low level') => Object.assign(new Error(message), fields);

test.each([
  [new ConfigError(['PORT is bad', 'HOST is bad']), 'bad configuration: PORT is bad; HOST is bad'],
  [failure({ code: 'EADDRINUSE', address: '0.0.0.0', port: 8080 }), 'port taken: 0.0.0.0:8080 is in use by another process'],
  [failure({ code: 'EACCES', address: '0.0.0.0', port: 80 }), 'no permission to listen on 0.0.0.0:80'],
  [failure({ code: 'EACCES', path: '/data' }), 'no permission (/data)'],
  [failure({ code: 'ENOSPC', path: '/data/db' }), 'disk full (/data/db)'],
  [failure({ code: 'ERR_SQLITE_ERROR', errcode: 13 }), 'disk full'],
  [failure({ code: 'ECONNREFUSED', address: '127.0.0.1', port: 6379 }), 'cannot reach 127.0.0.1:6379'],
  [failure({ code: 'unavailable' }, 'A store is down.\nmore'), 'A store is down.'],
])('%o', (error, line) => {
  expect(describeStartupFailure(error)).toEqual({ line, expected: true });
});

test('a mistake of the program is not expected: its stack is worth showing', () => {
  expect(describeStartupFailure(new TypeError('x is not a function'))).toEqual({ line: 'x is not a function', expected: false });
});
