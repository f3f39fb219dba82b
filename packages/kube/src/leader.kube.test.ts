import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '@runnel/kit';
import { noKubeServer, startKubeServer, type KubeServer } from '../testing/index.ts';
import { createKubeApi } from './api.ts';
import { electLeader, type Lease, type LeaderTiming } from './leader.ts';

const TIMING: LeaderTiming = { leaseMs: 2_000, giveUpMs: 1_200, everyMs: 300 };
const LEASE = '/apis/coordination.k8s.io/v1/namespaces/chat/leases/operator';

describe.skipIf(noKubeServer)('leaders at a real API server', () => {
  let server: KubeServer;
  beforeAll(async () => void (server = await startKubeServer()), 120_000);
  afterAll(() => server.close());

  const candidate = (me: string, timing = TIMING) => {
    const stop = new AbortController();
    const api = createKubeApi(server.admin, { deadlineMs: 1_000 });
    const changes: boolean[] = [];
    const leader = electLeader({
      api,
      name: 'operator',
      me,
      timing,
      signal: stop.signal,
      onChange: (leads) => changes.push(leads),
    });
    const end = async (): Promise<void> => {
      stop.abort();
      await leader.done;
      await api.close();
    };
    return { ...leader, changes, end };
  };

  test('one of two leads; the other takes over at once from one that ends in order', async () => {
    const patient = { leaseMs: 60_000, giveUpMs: 40_000, everyMs: 300 };
    const [a, b] = [candidate('a', patient), candidate('b', patient)];
    await waitFor(() => a.leads() || b.leads());
    expect(a.leads() && b.leads()).toBe(false);
    const [first, second] = a.leads() ? [a, b] : [b, a];
    await first.end();
    expect(first.changes).toEqual([true, false]);
    // Long before the lease of the first would have been over.
    await waitFor(() => second.leads(), { deadlineMs: 15_000 });
    await second.end();
    expect((await server.api.get<Lease>(LEASE)).spec?.holderIdentity).toBe('');
  });

  test('nobody leads while the server is away, and one does within the length of a lease of its return', async () => {
    const [a, b] = [candidate('c'), candidate('d')];
    await waitFor(() => a.leads() || b.leads());
    await server.stop();
    await waitFor(() => !a.leads() && !b.leads(), { deadlineMs: TIMING.leaseMs });
    await server.start();
    await waitFor(() => a.leads() !== b.leads(), { deadlineMs: 2 * TIMING.leaseMs });
    await Promise.all([a.end(), b.end()]);
  });
});
