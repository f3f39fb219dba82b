import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { root } from '../lib/command.ts';
import { brokenTour, toursOf, type Stop } from './tours.ts';

const tours = toursOf(readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8'));
const all = [...tours].map(([name, stops]) => ({ name, stops }));

test('there is a tour of a token, of its way onto the screen, of a prompt and of an event', () => {
  expect([...tours.keys()]).toEqual(['Follow one token', 'Follow one token onto the screen', 'Follow one prompt', 'Follow one event']);
});

test.each(all)('$name: every file is there and hands on to the next as its row says', ({ stops }) => {
  expect(brokenTour(stops, root)).toEqual([]);
});

test.each(all)('$name: at most twelve files, none of them twice', ({ stops }) => {
  expect(stops.length).toBeGreaterThan(4);
  expect(stops.length).toBeLessThanOrEqual(12);
  expect(new Set(stops.map(({ file }) => file)).size).toBe(stops.length);
});

/** A copy of the files of a tour, and of what their links are checked with. */
const copy = (stops: readonly Stop[]): string => {
  const place = mkdtempSync(join(tmpdir(), 'tour-'));
  onTestFinished(() => rmSync(place, { recursive: true }));
  for (const file of [...stops.map((stop) => stop.file), 'PROTOCOL.md']) cpSync(join(root, file), join(place, file), { recursive: true });
  return place;
};

test.each(all)('$name: whichever file is renamed, the walk fails', ({ stops }) => {
  const place = copy(stops);
  expect(brokenTour(stops, place)).toEqual([]);
  for (const { file } of stops) {
    renameSync(join(place, file), join(place, dirname(file), 'renamed'));
    expect(brokenTour(stops, place)).toEqual([`${file} is not there`]);
    renameSync(join(place, dirname(file), 'renamed'), join(place, file));
  }
});

test.each(all)('$name: a file that does not belong there breaks the chain, wherever it stands', ({ stops }) => {
  for (const { file } of stops) {
    const changed = stops.map((stop) => (stop.file === file ? { ...stop, file: 'services/standalone/src/main.ts' } : stop));
    expect(brokenTour(changed, root), `instead of ${file}`).not.toEqual([]);
  }
});

test('a link of another kind or name is found', () => {
  const [first, second] = all[0]!.stops;
  for (const link of [
    '',
    'somehow',
    'imports',
    'type Nothing',
    'script begin-run',
    'frame prompt',
    'channel channel',
    'key events',
    'path /runs',
  ]) {
    expect(
      brokenTour(
        [
          { ...first!, link },
          { ...second!, link: '' },
        ],
        root,
      ),
      link,
    ).toHaveLength(1);
  }
});
