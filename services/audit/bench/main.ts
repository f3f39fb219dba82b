// `node services/audit/bench/main.ts [read|write|steady|retention] [messages or minutes]`: what the audit service carries on this machine,
// with PostgreSQL and Kafka of its own.
import { cpus, loadavg } from 'node:os';
import { startKafka } from '@runnel/events/testing';
import { startPostgres } from '../testing/index.ts';
import { line, type Figure } from './figures.ts';
import { measureReading } from './read.ts';
import { measureRetention } from './retention.ts';
import { measureSteady } from './steady.ts';
import { measureWriting } from './write.ts';

const [only, many] = process.argv.slice(2);
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const load = (): string => `load of the machine: ${loadavg()[0]!.toFixed(1)}`;

const postgres = await startPostgres();
const show = (figures: readonly Figure[]): void => figures.forEach((figure) => say(line(figure)));
try {
  say(`${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}; ${load()}`);
  if (only === undefined || only === 'read') show(await measureReading(await postgres.database(), Number(many ?? 1_000_000)));
  if (only === 'retention') await measureRetention(await postgres.database(), Number(many ?? 2_000_000));
  if (only !== 'read' && only !== 'retention') {
    const kafka = await startKafka();
    try {
      if (only === 'steady')
        show(await measureSteady(kafka.brokers, await postgres.database(), { minutes: Number(many ?? 10), rate: 800 }));
      else show(await measureWriting(kafka.brokers, () => postgres.database(), { events: 30_000, rounds: 3 }));
    } finally {
      await kafka.stop();
    }
  }
  say(load());
} finally {
  await postgres.stop();
}
