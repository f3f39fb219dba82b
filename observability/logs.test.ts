import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { logEvents } from './lib/log-events.ts';

/** What people and models write, and what opens doors. */
const NEVER = /^(text|prompt|content|body|messages?Text|title|token|password|secret|apiKey|authorization|cookie|headers)$/i;

const events = logEvents();
const documented = [...readFileSync(join(import.meta.dirname, '../docs/logs.md'), 'utf8').matchAll(/^\| `([a-z.-]+)` \|/gm)].map(
  ([, event]) => event!,
);

test('docs/logs.md lists every event of the sources, once, and no other', () => {
  expect(documented.toSorted()).toEqual([...new Set(events.map(({ event }) => event))].toSorted());
});

test('the level in the list is the one it is written with', () => {
  const rows = readFileSync(join(import.meta.dirname, '../docs/logs.md'), 'utf8');
  const wrong = events.filter(({ event, level }) => {
    const [, levels = ''] = new RegExp(`^\\| \`${event}\` \\| ([a-z, ]+) \\|`, 'm').exec(rows) ?? [];
    return level !== '' && !levels.split(', ').includes(level);
  });
  expect(wrong).toEqual([]);
});

test('no line carries a text, a token or a header', () => {
  expect(events.filter(({ fields }) => fields.some((field) => NEVER.test(field)))).toEqual([]);
});
