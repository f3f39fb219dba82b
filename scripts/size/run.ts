// `npm run size [-- people [shards]]`: how much of everything so many connected people need, and what breaks first (docs/size.md).
import { sizeTables } from './report.ts';
import { sizeFor } from './size.ts';

const [people, shards = '64'] = process.argv.slice(2);
if (people === undefined) for (const text of Object.values(sizeTables())) process.stdout.write(`${text}\n\n`);
else {
  const [users, spread] = [people, shards].map(Number) as [number, number];
  if (!(users >= 1) || !(spread >= 1)) {
    process.stderr.write('runnel: npm run size -- <people at once> [shards]\n');
    process.exitCode = 1;
  } else process.stdout.write(`${JSON.stringify(sizeFor(users, spread), null, 2)}\n`);
}
