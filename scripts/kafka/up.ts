// A real Kafka for one's own machine:   node scripts/kafka/up.ts [--port 9092] [--nodes 1]
// Runs until it is interrupted (Ctrl-C), then removes everything it wrote.
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { startKafka } from '../../packages/events/src/testing/index.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '9092' }, nodes: { type: 'string', default: '1' } } });
const kafka = await startKafka({ port: Number(values.port), nodes: Number(values.nodes) });
console.log(`KAFKA_BROKERS=${kafka.brokers.join(',')}`);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
await kafka.stop();
