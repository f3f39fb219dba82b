import { ASSUMED, FACTORS } from './factors.ts';
import { hottestShare, mostUsers, sizeFor, type Size } from './size.ts';

const PEOPLE = [1_000, 10_000, 50_000, 100_000, 250_000, 500_000, 1_000_000];
const SPREADS = [64, 256, 1024];

const number = (value: number): string => (Number.isFinite(value) ? Math.round(value).toLocaleString('en') : '–');
const ratio = (value: number): string => (Number.isFinite(value) ? value.toFixed(2) : '–');
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');

/** The number with which the fewest masters carry it; of equals the smaller one. */
const shardsFor = (users: number): number => SPREADS.toSorted((a, b) => sizeFor(users, a).masters - sizeFor(users, b).masters || a - b)[0]!;
const cells = (size: Size): string[] => [
  number(size.users),
  number(size.live),
  number(size.chunksPerSecond),
  number(size.gateways),
  number(size.aiPods),
  number(size.shards),
  number(size.masters),
  number(size.redisGb),
  number(size.auditPods),
  number(size.databaseGbDay),
  number(size.dollarsMonth),
];

/** The tables of docs/size.md, by the marks that they stand between there. */
export const sizeTables = (): Record<string, string> => ({
  size: table(
    [
      'people at once',
      'answers at once',
      'chunks/s',
      'gateways',
      'AI pods',
      'shards',
      'Redis masters',
      'Redis GB',
      'audit pods',
      'PostgreSQL GB a day',
      '$ a month',
    ],
    PEOPLE.map((users) => cells(sizeFor(users, shardsFor(users)))),
  ),
  spread: table(
    ['Redis masters', ...SPREADS.map((shards) => `${shards} shards`)],
    [1, 3, 6, 9, 12, 16, 32, 64].map((masters) => [String(masters), ...SPREADS.map((shards) => ratio(hottestShare(masters, shards)))]),
  ),
  breaks: table(
    ['shards', 'people at once', 'what stops it'],
    SPREADS.map((shards) => {
      const { users, breaks } = mostUsers(shards);
      return [String(shards), number(users), breaks === '' ? 'nothing, up to 20 million' : breaks];
    }),
  ),
  factors: table(
    ['factor', 'value', 'measured'],
    Object.entries(FACTORS).map(([name, { value, unit, page }]) => [
      name,
      `${number(value) === String(value) ? value : value.toLocaleString('en')} ${unit}`,
      `[${page.replace('docs/', '')}](${page.replace('docs/', '')})`,
    ]),
  ),
  assumed: table(
    ['assumption', 'value'],
    Object.entries(ASSUMED).map(([name, value]) => [name, String(value)]),
  ),
});
