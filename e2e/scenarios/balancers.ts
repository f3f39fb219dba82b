import { startNginx, type NginxMode } from '../harness/processes/nginx.ts';
import type { Scenario } from '../harness/scenario.ts';
import type { Stage } from '../harness/stage.ts';
import type { WsViewer } from '../harness/viewers/viewer.ts';
import { elapse } from '../harness/wait.ts';
import { underWay } from './ai-pods.ts';

const RELOADS = 4;

/** Plays a scenario through a real nginx with the configuration we ship. */
const behindNginx =
  (mode: NginxMode, play: (stage: Stage, reader: WsViewer) => Promise<void>): Scenario['run'] =>
  async (stage) => {
    const nginx = await startNginx(
      mode,
      stage.cluster.gateways.map((gateway) => gateway.spec.port),
    );
    try {
      stage.entry = `http://127.0.0.1:${nginx.port}`;
      const [run] = await underWay(stage, 4, { words: 700, rate: 100 });
      const reader = stage.watch(run!.conversationId);
      await stage.live([reader]);
      await play(stage, reader);
      await stage.settle();
    } finally {
      stage.closeViewers();
      await nginx.close();
    }
  };

/** The nodes that said welcome to so many reloads. */
const reloaded = async (stage: Stage, reader: WsViewer): Promise<string[]> => {
  const before = reader.nodes.length;
  for (let i = 0; i < RELOADS; i++) {
    reader.reload({ cursor: true });
    await stage.live([reader]);
  }
  return reader.nodes.slice(before);
};

const killNodeOf = async (stage: Stage, reader: WsViewer): Promise<void> => {
  const node = reader.nodes.at(-1)!;
  const gateway = stage.cluster.gateways.find(({ name }) => name === node)!;
  await gateway.kill();
  await reader.screen.until(() => reader.nodes.at(-1) !== node && reader.screen.phase === 'live', 5_000, 'another gateway');
  await elapse(stage.random.between(200, 800));
  await gateway.start();
};

export const balancerScenarios: Scenario[] = [
  {
    name: 'nginx-round-robin-gateway-killed',
    promise: 'P-1 P-2',
    cluster: { gateways: 3, ai: 3, gatewayEnv: { TRUST_PROXY: 'true' } },
    deadlineMs: 40_000,
    run: behindNginx('round-robin', async (stage, reader) => {
      const nodes = new Set(await reloaded(stage, reader));
      if (nodes.size < 2) throw new Error(`${RELOADS} reloads all met ${[...nodes].join()}: this is not round-robin`);
      await killNodeOf(stage, reader);
    }),
  },
  {
    name: 'nginx-cookie-gateway-killed',
    promise: 'P-1 P-2',
    cluster: { gateways: 3, ai: 3, gatewayEnv: { TRUST_PROXY: 'true' } },
    deadlineMs: 40_000,
    run: behindNginx('cookie', async (stage, reader) => {
      const nodes = new Set(await reloaded(stage, reader));
      if (nodes.size !== 1) throw new Error(`a browser with its cookie met ${[...nodes].join(' and ')}`);
      await killNodeOf(stage, reader);
    }),
  },
];
