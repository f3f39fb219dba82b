import type { Scenario } from '../harness/scenario.ts';
import { elapse, waitFor } from '../harness/wait.ts';
import { underWay } from './ai-pods.ts';

/** A socket that follows one conversation and keeps what it is told of other screens. */
const screenAt = (origin: string, conversationId: string, userId: string): { devices: () => number | undefined; close(): void } => {
  let devices: number | undefined;
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/ws/chat?user_id=${userId}&session_id=${conversationId}`);
  socket.addEventListener('open', () => socket.send(JSON.stringify({ type: 'hello', protocol: 1 })));
  socket.addEventListener('message', ({ data }) => {
    const event = JSON.parse(String(data)) as { type: string; devices?: number };
    if (event.type === 'presence') devices = event.devices;
  });
  return { devices: () => devices, close: () => socket.close() };
};

export const gatewayScenarios: Scenario[] = [
  {
    name: 'gateway-killed-with-its-screens',
    promise: 'P-8',
    cluster: { gateways: 2 },
    deadlineMs: 60_000,
    run: async (stage) => {
      const [one, other] = stage.cluster.gateways;
      const [run] = await underWay(stage, 1, { words: 50, rate: 100 });
      await stage.settle();
      const screens = [one!, other!, other!].map(({ url }) => screenAt(url, run!.conversationId, stage.userId));
      const shown = (devices: number, deadlineMs: number, what: string) =>
        waitFor(() => screens[0]!.devices() === devices, { deadlineMs, everyMs: 20, what: `${devices} screens, ${what}` });
      const from = performance.now();
      await shown(3, 4_000, 'after all have come');
      const joined = performance.now() - from;
      screens[2]!.close();
      await shown(2, 4_000, 'after one has left');
      const killed = performance.now();
      await other!.kill();
      await shown(1, 12_000, 'after its gateway was killed');
      stage.note(`seen ${Math.round(joined)} ms after the last came, ${Math.round(performance.now() - killed)} ms after the kill`);
      screens[0]!.close();
    },
  },
  {
    name: 'gateway-killed',
    promise: 'P-1 P-2',
    cluster: { gateways: 3 },
    run: async (stage) => {
      await underWay(stage, 6, { words: 500, rate: 100 });
      for (const gateway of stage.cluster.gateways.slice(0, 2)) {
        await gateway.kill();
        await elapse(stage.random.between(200, 800));
        await gateway.start();
      }
      await stage.settle();
    },
  },
  {
    name: 'gateway-all-killed',
    promise: 'P-1 P-2',
    run: async (stage) => {
      await underWay(stage, 4, { words: 500, rate: 100 });
      await Promise.all(stage.cluster.gateways.map((gateway) => gateway.kill()));
      await elapse(700);
      await Promise.all(stage.cluster.gateways.map((gateway) => gateway.start()));
      await stage.settle();
    },
  },
  {
    name: 'gateway-paused',
    promise: 'P-1 P-2',
    deadlineMs: 40_000,
    run: async (stage) => {
      await underWay(stage, 4, { words: 700, rate: 100 });
      const [gateway] = stage.cluster.gateways;
      gateway!.pause();
      await elapse(5_000);
      gateway!.resume();
      await stage.settle();
    },
  },
  {
    name: 'gateway-reconnect-storm',
    promise: 'P-1 P-2 P-6',
    cluster: { gateways: 3 },
    deadlineMs: 40_000,
    run: async (stage) => {
      const runs = await underWay(stage, 3, { words: 800, rate: 100 });
      for (const { conversationId } of runs) {
        for (let i = 0; i < 4; i++) {
          stage.watch(conversationId);
          stage.watchBySse(conversationId);
        }
      }
      let reloads = 0;
      while (stage.viewers.some(({ screen }) => screen.finished.size === 0) && reloads < 600) {
        stage.random.pick(stage.viewers).reload({ cursor: stage.random.chance(0.5) });
        reloads++;
        await elapse(stage.random.between(1, 25));
      }
      const stats = stage.viewers.map(({ screen }) => screen.stats);
      const sum = (pick: (one: (typeof stats)[number]) => number): number => stats.reduce((total, one) => total + pick(one), 0);
      stage.note(`${reloads} reloads, ${sum((s) => s.snapshots)} snapshots, ${sum((s) => s.old)} events dropped as old`);
      await stage.settle();
    },
  },
];
