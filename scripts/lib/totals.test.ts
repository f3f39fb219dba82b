import { describe, expect, test } from 'vitest';
import { formatSummary, judgeTier, notRunTier, totalsOfVitest } from './totals.ts';

describe('judgeTier', () => {
  test('a tier that ran nothing has failed', () => {
    expect(judgeTier('redis', 1, { passed: 0, failed: 0 })).toMatchObject({ failed: 1, problem: 'ran no tests' });
  });
  test('a tier whose program ended badly has failed, although no test did', () => {
    expect(judgeTier('unit', 1, { passed: 9, failed: 0 }, 'ended with code 1')).toMatchObject({ passed: 9, failed: 1 });
  });
  test('failures are counted as they are', () => {
    expect(judgeTier('unit', 1, { passed: 9, failed: 2 }, 'ended with code 1')).toMatchObject({ passed: 9, failed: 2 });
  });
});

test('the last line of the summary is the total', () => {
  const summary = formatSummary([judgeTier('check', 31, { passed: 5, failed: 0 }), judgeTier('unit', 2.5, { passed: 40, failed: 1 })]);
  expect(summary.split('\n').at(-1)).toBe('45 passed, 1 failed');
});

test('a tier that cannot be tried here counts as nothing, and the table says why', () => {
  const summary = formatSummary([judgeTier('unit', 2, { passed: 9, failed: 0 }), notRunTier('kube', 'no kube-apiserver')]).split('\n');
  expect(summary.at(-1)).toBe('9 passed, 0 failed');
  expect(summary.at(-2)).toMatch(/^kube .*not run: no kube-apiserver$/);
});

test('what failed is named again above the table', () => {
  const summary = formatSummary([judgeTier('unit', 2, { passed: 9, failed: 1, failures: ['hub.test.ts: forwards: expected 1'] })]);
  expect(summary.split('\n')[0]).toBe('FAIL unit: hub.test.ts: forwards: expected 1');
});

test('a test file that does not load counts as a failure, and each failure has its file, its name and its first line', () => {
  const testResults = [
    { name: '/a/broken.test.ts', status: 'failed', message: 'cannot load\n  at x', assertionResults: [] },
    {
      name: '/a/hub.test.ts',
      status: 'failed',
      assertionResults: [
        { status: 'failed', fullName: 'forwards', failureMessages: ['AssertionError: 1 is not 2\n  at y'] },
        { status: 'passed', fullName: 'closes' },
      ],
    },
    { name: '/a/room.test.ts', status: 'passed', assertionResults: [{ status: 'passed', fullName: 'opens' }] },
  ];
  expect(totalsOfVitest({ numPassedTests: 3, numFailedTests: 1, testResults })).toEqual({
    passed: 3,
    failed: 2,
    failures: ['broken.test.ts: cannot load', 'hub.test.ts: forwards: AssertionError: 1 is not 2'],
  });
});

test('a generated case that failed is told with its seed', () => {
  const message =
    'Error: Property failed after 7 tests\n{ seed: 5, path: "6:1", endOnFailure: true }\nCounterexample: [1]\nShrunk 1 time(s)\n  at x';
  const testResults = [
    { name: '/a/log.test.ts', status: 'failed', assertionResults: [{ status: 'failed', fullName: 'keeps', failureMessages: [message] }] },
  ];
  expect(totalsOfVitest({ numPassedTests: 0, numFailedTests: 1, testResults }).failures).toEqual([
    'log.test.ts: keeps: Error: Property failed after 7 tests { seed: 5, path: "6:1", endOnFailure: true } Counterexample: [1]',
  ]);
});

test('a step of a browser that took too long is told with where it stood', () => {
  const message = [
    'TimeoutError: locator.click: Timeout 15000ms exceeded.',
    'Call log:',
    "\u001b[2m  - waiting for getByRole('button')\u001b[22m",
    '\u001b[2m    - locator resolved to <button>Reload</button>\u001b[22m',
    '\u001b[2m  - attempting click action\u001b[22m',
    '\u001b[2m    - performing click action\u001b[22m',
    '\u001b[2m    - waiting for scheduled navigations to finish\u001b[22m',
    '',
    '    at /web/test/x.browser.test.ts:9:1',
  ].join('\n');
  const testResults = [
    {
      name: '/a/x.browser.test.ts',
      status: 'failed',
      assertionResults: [{ status: 'failed', fullName: 'reloads', failureMessages: [message] }],
    },
  ];
  expect(totalsOfVitest({ numPassedTests: 0, numFailedTests: 1, testResults }).failures).toEqual([
    'x.browser.test.ts: reloads: TimeoutError: locator.click: Timeout 15000ms exceeded. - locator resolved to <button>Reload</button> - attempting click action - performing click action - waiting for scheduled navigations to finish',
  ]);
});
