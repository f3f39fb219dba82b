/**
 * A cluster by hand, for CONTRIBUTING: Redis, three gateways, three AI pods, and one address that spreads connections over
 * the gateways. Kill what you like (pids are printed) and watch the page go on.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startCluster } from './harness/processes/cluster.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8080' },
    gateways: { type: 'string', default: '3' },
    ai: { type: 'string', default: '3' },
  },
});
const webDir = fileURLToPath(new URL('../web/dist', import.meta.url));
const cluster = await startCluster({
  gateways: Number(values.gateways),
  ai: Number(values.ai),
  gatewayEnv: existsSync(webDir) ? { WEB_DIR: webDir } : {},
});

let turn = 0;
const balancer = createServer((client) => {
  const live = cluster.liveGateways();
  const gateway = live[turn++ % live.length];
  if (!gateway) return void client.destroy();
  const server = connect(gateway.spec.port, '127.0.0.1');
  client.pipe(server).pipe(client);
  for (const socket of [client, server]) {
    socket
      .on('error', () => {})
      .on('close', () => {
        client.destroy();
        server.destroy();
      });
  }
});
balancer.listen(Number(values.port), '127.0.0.1');
await once(balancer, 'listening');

console.log(`http://127.0.0.1:${values.port} (round-robin over ${cluster.gateways.length} gateways)`);
for (const pod of [...cluster.gateways, ...cluster.ai])
  console.log(`  ${pod.name}  ${pod.url}  metrics ${pod.internalUrl}/metrics  pid ${pod.pid}`);
console.log(`  redis      ${cluster.redis.url}  pid ${cluster.redis.pid}\n  logs       ${cluster.logDir}\nCtrl-C ends it.`);

const revive = setInterval(() => {
  for (const pod of [...cluster.gateways, ...cluster.ai]) {
    if (pod.alive) continue;
    pod.launch();
    console.log(`${pod.name} had ended and was started again, pid ${pod.pid}`);
  }
}, 2_000);

let ending: Promise<void> | undefined;
const end = async (): Promise<void> => {
  clearInterval(revive);
  balancer.close();
  await cluster.close();
  await cluster.removeLogs();
  process.exit(0);
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void (ending ??= end()));
