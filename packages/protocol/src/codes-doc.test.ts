import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { CLOSE, shouldReconnect } from './close-codes.ts';
import { ERRORS } from './errors.ts';

const ROOT = join(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** The rows of the table under a heading of docs/codes.md, without the header; code marks removed. */
const table = (heading: string): string[][] => {
  const [, section = ''] = read('docs/codes.md').split(`\n## ${heading}\n`);
  const rows = section
    .split('\n## ')[0]!
    .split('\n')
    .filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
};
const yesNo = (value: boolean): string => (value ? 'yes' : 'no');

test('docs/codes.md names the close codes of the code, and what each makes the client do', () => {
  const catalogue = Object.entries(CLOSE).map(([name, code]) => [String(code), name, yesNo(shouldReconnect(code))]);
  expect(table('Close codes').map((row) => row.slice(0, 3))).toEqual(catalogue);
});

test('docs/codes.md names the errors of the code, with status and retry', () => {
  const catalogue = Object.entries(ERRORS).map(([code, { status, retryable }]) => [code, String(status), yesNo(retryable)]);
  expect(table('Errors').map((row) => row.slice(0, 3))).toEqual(catalogue);
});

test('docs/codes.md names every reason a run can end with', () => {
  const [, union = ''] = /export type EndReason = (.*);/.exec(read('packages/protocol/src/message.ts')) ?? [];
  expect(table('How a run ends').map(([reason]) => reason)).toEqual(union.split(' | ').map((word) => word.replaceAll("'", '')));
});

/** `Returns` of a script's header, up to the next label: alternatives between bars, each beginning with its word. */
const outcomesOf = (script: string): string[] => {
  const header = /^-- Returns +([\s\S]*?)^-- Law/m.exec(script)?.[1] ?? '';
  const alternatives = header
    .replaceAll(/^--/gm, ' ')
    .replaceAll(/\([^)]*\)/g, '')
    .replace('for each run:', '')
    .split(/\s\|\s/);
  return alternatives.map((text) => text.trim().split(/\s/)[0]!).filter((word) => word !== 'a');
};

test('docs/codes.md names the outcomes of the scripts, and which script gives which', () => {
  const folder = 'packages/coordination/src/redis/lua';
  const scripts = globSync('!(include)/*.lua', { cwd: join(ROOT, folder) });
  const given = scripts.flatMap((file) => outcomesOf(read(`${folder}/${file}`)).map((word) => `${word} of ${basename(file, '.lua')}`));
  const named = table('Outcomes').flatMap(([word, of]) => of!.split(', ').map((script) => `${word} of ${script}`));
  expect(named.toSorted()).toEqual(given.toSorted());
});

test('PROTOCOL.md names every error and close code', () => {
  const protocol = read('PROTOCOL.md');
  for (const code of Object.keys(ERRORS)) expect(protocol).toContain(`\`${code}\``);
  for (const code of Object.values(CLOSE)) expect(protocol).toContain(String(code));
});
