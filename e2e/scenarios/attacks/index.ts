import { randomUUID } from 'node:crypto';
import { call } from '../../harness/commands.ts';
import type { Pod } from '../../harness/processes/pod.ts';
import type { Scenario } from '../../harness/scenario.ts';
import { elapse, waitFor } from '../../harness/wait.ts';
import { SMALL, survive } from './bystander.ts';
import { frame, json, open, upgrade, type Wire } from './wire.ts';

const times = <T>(n: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: n }, (_, i) => make(i)));
const end = (wires: readonly Wire[]): void => wires.forEach(({ socket }) => socket.destroy());

const HELLO = json({ type: 'hello', protocol: 1 });

/** Asks for an answer of about 7 MiB. */
const askForLong = async (gateway: Pod, userId: string, conversationId = `long-${randomUUID().slice(0, 8)}`) => {
  const runId = randomUUID();
  const asked = { conversationId, messageId: randomUUID(), runId, text: 'count 900000 at 100000' };
  // An answer before it in the same conversation may not have ended.
  let status = 0;
  await waitFor(
    async () => {
      ({ status } = await call('POST', `${gateway.url}/api/chat?user_id=${userId}`, asked));
      return status !== 409;
    },
    { deadlineMs: 10_000, everyMs: 200, what: 'the earlier answer to end' },
  );
  if (status !== 202) throw new Error(`the long answer was refused: ${status}`);
  return { conversationId, runId };
};

/** An answer of about 7 MiB, of one person; resolves when it has ended. */
const longAnswer = async (gateway: Pod, userId: string): Promise<string> => {
  const { conversationId, runId } = await askForLong(gateway, userId);
  const url = `${gateway.url}/api/cancel?user_id=${userId}`;
  await elapse(9_000);
  await waitFor(
    async () => {
      const page = (await call('GET', `${gateway.url}/api/history/${conversationId}?user_id=${userId}`, undefined, 10_000)) as {
        messages?: { messageId: string }[];
      };
      return page.messages?.some(({ messageId }) => messageId === runId);
    },
    { deadlineMs: 90_000, everyMs: 1_000, what: `the long answer (else ${url})` },
  );
  return conversationId;
};

/** What long reads and readers are attacked with, made before the attack. */
const longAnswers = () => {
  const made: string[] = [];
  return { made, make: async (gateway: Pod) => void made.push(...(await times(3, () => longAnswer(gateway, 'mallory')))) };
};

/** Readers that never read, of a conversation in which an answer of 7 MiB is written meanwhile. */
const slowReaders = (name: string, open: (gateway: Pod, conversationId: string) => Promise<Wire>): Scenario => ({
  name,
  promise: 'S-6 P-7 P-8 W-14',
  cluster: { ...SMALL, gatewayEnv: { ...SMALL.gatewayEnv, MAX_SOCKETS_PER_USER: '0' } },
  deadlineMs: 120_000,
  run: (stage) =>
    survive(stage, async (gateway) => {
      const conversationId = `flows-${randomUUID().slice(0, 8)}`;
      const asked = { conversationId, messageId: randomUUID(), text: 'count 3' };
      await call('POST', `${gateway.url}/api/chat?user_id=mallory`, asked);
      const readers = await times(60, async () => {
        const wire = await open(gateway, conversationId);
        await waitFor(() => wire.text.includes('\r\n\r\n') || wire.closed, { deadlineMs: 10_000, what: 'an answer' });
        wire.socket.pause();
        return wire;
      });
      await askForLong(gateway, 'mallory', conversationId);
      await elapse(12_000);
      const [unsent, away] = [await gateway.metric('runnel_gateway_unsent_bytes'), await gateway.metric('runnel_gateway_refusals_total')];
      stage.note(`${away} of 60 sent away by the bound of the node, ${Math.round(unsent / 2 ** 20)} MiB unsent`);
      end(readers);
    }),
});

const attacks: Scenario[] = [
  slowReaders('trust-attack-slow-sockets', async (gateway, conversationId) => {
    const wire = await upgrade(gateway, 'mallory');
    wire.socket.write(Buffer.concat([HELLO, json({ type: 'follow', conversationId })]));
    return wire;
  }),
  slowReaders('trust-attack-slow-event-streams', (gateway, conversationId) =>
    open(gateway, `GET /api/conversations/${conversationId}/events?user_id=mallory HTTP/1.1\r\nhost: x\r\n\r\n`),
  ),
  {
    name: 'trust-attack-fragments',
    promise: 'S-4 P-8',
    cluster: SMALL,
    deadlineMs: 60_000,
    run: (stage) =>
      survive(stage, async (gateway) => {
        const pieces = Buffer.concat(Array.from({ length: 16_000 }, (_, i) => frame('x', { first: i === 0, final: false })));
        const wires = await times(126, (i) => upgrade(gateway, `stranger-${i}`));
        for (const { socket } of wires) socket.write(pieces);
        await waitFor(() => wires.every(({ closed }) => closed), { deadlineMs: 20_000, what: 'all of them to be closed' });
      }),
  },
  {
    name: 'trust-attack-unfinished-bodies',
    promise: 'S-4 P-8',
    cluster: SMALL,
    deadlineMs: 60_000,
    run: (stage) =>
      survive(stage, async (gateway) => {
        const head = 'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2000000\r\n\r\n';
        const wires = await times(370, () => open(gateway, head));
        const most = Buffer.alloc(1_900_000, ' ');
        for (const { socket } of wires) socket.write(most);
        await waitFor(() => wires.filter(({ text }) => /^HTTP\/1.1 (429|503)/.test(text)).length > 300, {
          deadlineMs: 20_000,
          what: 'refusals',
        });
        end(wires);
      }),
  },
  {
    name: 'trust-attack-readers-that-do-not-read',
    promise: 'S-6 P-8 W-14',
    cluster: SMALL,
    deadlineMs: 180_000,
    run: (stage) => {
      const { made, make } = longAnswers();
      const attack = async (gateway: Pod): Promise<void> => {
        // Three for each socket: of one alone the kernel's buffers may take all.
        const follows = made.map((conversationId) => json({ type: 'follow', conversationId }));
        const sockets = await times(29, async () => {
          const wire = await upgrade(gateway, 'mallory');
          await waitFor(() => wire.text.includes('\r\n\r\n') || wire.closed, { deadlineMs: 10_000, what: 'the upgrade' });
          wire.socket.pause();
          wire.socket.write(Buffer.concat([HELLO, ...follows]));
          return wire;
        });
        await elapse(8_000);
        stage.note(`${await gateway.metric('runnel_gateway_refusals_total')} of 29 sent away`);
        end(sockets);
      };
      return survive(stage, attack, make);
    },
  },
  {
    name: 'trust-attack-follows-of-nothing',
    promise: 'S-6 P-8',
    cluster: { ...SMALL, audit: true },
    deadlineMs: 120_000,
    run: (stage) =>
      survive(stage, async (gateway) => {
        const wires = await times(24, async (n) => {
          const wire = await upgrade(gateway, 'mallory');
          wire.socket.write(HELLO);
          for (let i = 0; i < 1_999; i++) wire.socket.write(json({ type: 'follow', id: i, conversationId: `nothing-${n}-${i}` }));
          return wire;
        });
        await elapse(10_000);
        const follows = await gateway.metric('runnel_gateway_follows');
        stage.note(`${follows} follows stand`);
        if (follows > 2_001) throw new Error(`${follows} follows`);
        end(wires);
      }),
  },
  {
    name: 'trust-attack-long-reads',
    promise: 'S-6 P-8',
    cluster: SMALL,
    deadlineMs: 180_000,
    run: (stage) => {
      const { made, make } = longAnswers();
      const attack = async (gateway: Pod): Promise<void> => {
        // In turn: one alone would be kept by the gateway after the first read.
        const urls = made.map((conversationId) => `${gateway.url}/api/history/${conversationId}?user_id=mallory`);
        const statuses = new Map<number, number>();
        const until = performance.now() + 6_000;
        await times(60, async (first) => {
          for (let turn = first; performance.now() < until; turn++) {
            // Who reads slowly may be cut off by the bound of the node: 0.
            const status = await fetch(urls[turn % urls.length]!)
              .then(async (response) => (await response.arrayBuffer(), response.status))
              .catch(() => 0);
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
            if (status !== 200) await elapse(50);
          }
        });
        stage.note(`reads: ${[...statuses].map(([status, n]) => `${n} × ${status}`).join(', ')}`);
        // They wait in turn; what waits too long is refused, and who reads too slowly is cut off.
        if (!statuses.has(429) && !statuses.has(0)) throw new Error('no read was refused or cut off');
        if ([...statuses.keys()].some((status) => ![0, 200, 429].includes(status))) throw new Error('a read failed');
      };
      return survive(stage, attack, make);
    },
  },
  {
    name: 'trust-attack-many-commands',
    promise: 'S-7 S-11 P-8',
    cluster: SMALL,
    deadlineMs: 60_000,
    run: (stage) =>
      survive(stage, async (gateway) => {
        const ask = () => ({ conversationId: randomUUID().slice(0, 20), messageId: randomUUID(), text: 'count 2000 at 10' });
        const asked = await times(100, () => call('POST', `${gateway.url}/api/chat?user_id=mallory`, ask(), 10_000));
        const accepted = asked.filter(({ status }) => status === 202).length;
        const first = ask();
        await call('POST', `${gateway.url}/api/chat?user_id=trudy`, { ...first, text: 'count 3' });
        const renamed = await times(2_000, (i) =>
          call('PATCH', `${gateway.url}/api/conversations/${first.conversationId}?user_id=trudy`, { title: `t${i}` }, 10_000),
        );
        const refused = renamed.filter(({ status }) => status === 429).length;
        stage.note(`${accepted} of 100 prompts accepted, ${refused} of 2000 renames refused`);
        if (accepted !== Number(SMALL.gatewayEnv.MAX_RUNS_PER_USER)) throw new Error(`${accepted} runs at a time`);
        if (refused < 790) throw new Error(`${refused} renames refused`);
      }),
  },
];

/** Each measures what somebody else waits for meanwhile. */
export const attackScenarios: Scenario[] = attacks.map((attack) => ({ ...attack, alone: true }));
