import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Starts listening and tells the real port, which differs when `port` is 0. Rejects with the system's error (`EADDRINUSE`). */
export async function listen(app: FastifyInstance, { host, port }: { host: string; port: number }): Promise<number> {
  await app.listen({ host, port });
  return (app.server.address() as AddressInfo).port;
}
