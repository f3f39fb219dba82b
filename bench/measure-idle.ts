import { elapse, startCluster } from '@runnel/e2e';
import { Load } from './load.ts';
import { measureCpu, privateBytes } from './machine.ts';

export interface IdleFigures {
  sockets: number;
  /** Private memory of the gateway per socket that follows a conversation of its own, KiB. */
  kibPerSocket: number;
  /** Cores the gateway uses while nothing happens. */
  gatewayCores: number;
  errors: string[];
}

/** What a connected reader costs while nothing is said. */
export const measureIdle = async (sockets: number): Promise<IdleFigures> => {
  const cluster = await startCluster({ gateways: 1, ai: 1 });
  const load = new Load();
  try {
    const gateway = cluster.gateways[0]!;
    // The first sockets pay for compiled code and buffers that all others share.
    const warm = Math.min(200, sockets);
    const job = { ports: [gateway.spec.port], rampMs: sockets, prompt: null };
    await load.start({ ...job, sockets: warm });
    await elapse(1_500);
    const before = privateBytes(gateway.pid);
    await load.start({ ...job, sockets });
    await elapse(2_000);
    const stop = measureCpu({ gateway: gateway.pid });
    await elapse(5_000);
    const cpu = stop();
    const grown = privateBytes(gateway.pid) - before;
    const { errors } = await load.report();
    return {
      sockets,
      kibPerSocket: Number((grown / 1024 / sockets).toFixed(1)),
      gatewayCores: Number((cpu.used['gateway']! / cpu.seconds).toFixed(3)),
      errors,
    };
  } finally {
    await load.close();
    await cluster.close();
    await cluster.removeLogs();
  }
};
