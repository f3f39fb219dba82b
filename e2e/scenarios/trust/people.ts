import { randomUUID } from 'node:crypto';
import type { Scenario } from '../../harness/scenario.ts';
import type { Stage } from '../../harness/stage.ts';
import { Stranger } from '../../harness/viewers/stranger.ts';
import { waitFor } from '../../harness/wait.ts';

const LOG_EVENTS = /"type":"(message|title|run-started|chunk|run-ended)"/;

const personAt = (stage: Stage, userId: string, gateway: number): Stranger =>
  new Stranger(userId, () => stage.cluster.gateways[gateway]!.url, stage.random.fork());

/** Digits for the rate of `count`: nothing else has them, the answer included. */
const secretOf = (stage: Stage): string => String(stage.random.between(1e8, 1e9 - 1));

/** Two people who follow an id before anybody made it, and ask at once with the same ids: one has made it, the other hears nothing. */
const birth = async (stage: Stage): Promise<string> => {
  const conversationId = stage.newConversation();
  const people = [personAt(stage, 'ann', 0), personAt(stage, 'eve', 1)] as const;
  const ids = { messageId: 'm1', runId: 'r1' };
  const secrets = people.map(() => secretOf(stage));
  try {
    await Promise.all(people.map((one) => one.frame({ type: 'follow', conversationId }, { stay: true })));
    const answers = await Promise.all(
      people.map((one, i) =>
        one.http('POST', '/api/chat', { conversationId, ...ids, text: `count 3 at 400.${secrets[i]}`, model: 'count' }),
      ),
    );
    const statuses = answers.map((text) => text.slice(0, 3));
    if ([...statuses].sort().join() !== '202,403') throw new Error(`S-1: two births were answered ${answers.join(' and ').slice(0, 400)}`);
    const winner = people[statuses.indexOf('202')]!;
    const loser = people[statuses.indexOf('403')]!;
    await waitFor(() => winner.heard.some((text) => text.includes('"run-ended"')), { deadlineMs: 10_000, what: 'the end at who made it' });
    await waitFor(() => loser.heard.some((text) => text.includes('"forbidden"')), { deadlineMs: 10_000, what: 'forbidden at the other' });
    const secret = secrets[people.indexOf(winner)]!;
    const leak = loser.heard.find((text) => LOG_EVENTS.test(text) || text.includes(secret));
    if (leak !== undefined) throw new Error(`S-3: who lost the race heard ${leak.slice(0, 300)}`);
    return winner.userId;
  } finally {
    for (const one of people) one.leave();
  }
};

type What = 'message' | 'answer' | 'conversation';

/** A word that only the prompt has, and one that only the answer has. */
const asked = async (stage: Stage, owner: Stranger, what: What) => {
  const conversationId = stage.newConversation();
  const word = secretOf(stage);
  const words = stage.random.between(30, 60);
  const ids = { messageId: randomUUID(), runId: randomUUID() };
  const body = { conversationId, ...ids, text: `count ${words} at 1000.${word}`, model: 'count' };
  const answer = await owner.http('POST', '/api/chat', body);
  if (!answer.startsWith('202')) throw new Error(`the prompt was answered ${answer.slice(0, 200)}`);
  const said = `w0000${words}`;
  await waitFor(async () => (await owner.http('GET', `/api/search?q=${said}`)).includes(ids.runId), {
    deadlineMs: 20_000,
    everyMs: 100,
    what: 'the answer to be found',
  });
  const secrets = what === 'message' ? [word] : what === 'answer' ? [said] : [word, said];
  return { conversationId, ...ids, said, word, secrets };
};

/** What its owner deleted is in none of the owner's own ways, at any gateway, from then on. */
const deletion = async (stage: Stage, what: What): Promise<number> => {
  const userId = `dora-${randomUUID()}`;
  const owners = [personAt(stage, userId, 0), personAt(stage, userId, 1)] as const;
  const { conversationId, messageId, runId, said, word, secrets } = await asked(stage, owners[0], what);
  const ways = [
    `/api/history/${conversationId}?limit=100`,
    `/api/search?q=${word}`,
    `/api/search?q=${said}`,
    `/api/runs/${runId}/replay?speed=1000`,
    `/api/conversations/${conversationId}/trail`,
    `/api/conversations/${conversationId}/trail?format=ndjson`,
    `/api/conversations/${conversationId}/trail?format=csv`,
    '/api/trail?limit=1000',
    '/api/conversations?limit=200',
  ];
  try {
    // Both gateways have it in their memory, and a stream that stands.
    for (const owner of owners) await owner.http('GET', ways[0]!);
    const path = what === 'conversation' ? '' : `/${what === 'answer' ? runId : messageId}`;
    const deleted = await owners[stage.random.between(0, 1)]!.http('DELETE', `/api/history/${conversationId}${path}`);
    if (!/^20[04]/.test(deleted)) throw new Error(`deleting was answered ${deleted.slice(0, 200)}`);
    const look = async (): Promise<string | null> => {
      for (const owner of owners) {
        for (const way of ways) {
          // A replay and a search name what was asked for; a found message is more than that.
          const text = await owner.http('GET', way);
          const shown = secrets.find((secret) => text.includes(secret) && !way.endsWith(secret));
          const found = way.includes('/search') && secrets.some((secret) => way.endsWith(secret)) && text.includes(conversationId);
          if (shown !== undefined || found) return `${way}: ${text.slice(0, 300)}`;
        }
        const [before, after] = [owner.heard.length, { 'last-event-id': 'aaaaaaaa:1' }];
        await owner.stream(`/api/conversations/${conversationId}/events`, after);
        await waitFor(() => owner.heard.slice(before).some((text) => text.includes('"type":"live"')), {
          deadlineMs: 5_000,
          what: 'an event stream that is live',
        });
        const streamed = owner.heard.slice(before).find((text) => secrets.some((secret) => text.includes(secret)));
        if (streamed !== undefined) return `event stream: ${streamed.slice(0, 300)}`;
      }
      return null;
    };
    // The audit hears of it by the outbox; what Redis has is gone at once.
    await waitFor(
      async () => {
        const shown = await look();
        if (shown !== null) throw new Error(`the deleted ${what} is still shown by ${shown}`);
        return true;
      },
      { deadlineMs: 15_000, everyMs: 200, what: `the deleted ${what} to be gone` },
    );
    const shown = await look();
    if (shown !== null) throw new Error(`the deleted ${what} came back: ${shown}`);
    return owners.length * (ways.length + 1);
  } finally {
    for (const owner of owners) owner.leave();
  }
};

const complete = (person: Stranger, key: string, text: string) =>
  person.http('POST', '/v1/chat/completions', { model: 'count', messages: [{ role: 'user', content: text }] }, { 'idempotency-key': key });

/** The same key of two people is two keys. */
const keys = async (stage: Stage): Promise<void> => {
  const people = [personAt(stage, 'kim', 0), personAt(stage, 'lee', 1)] as const;
  const text = `count ${stage.random.between(2, 9)}`;
  const key = `key-${stage.random.between(1, 1e6)}`;
  const idOf = (answer: string): string => {
    if (!answer.startsWith('200')) throw new Error(`a completion was answered ${answer.slice(0, 200)}`);
    return (JSON.parse(answer.slice(4)) as { id: string }).id;
  };
  const [kim, lee] = await Promise.all(people.map((one) => complete(one, key, text)));
  if (idOf(kim!) === idOf(lee!)) throw new Error('an idempotency key of one person joined the run of another');
  // And of one person it is one run, from the other gateway too.
  const again = await complete(personAt(stage, 'kim', 1), key, text);
  if (idOf(again) !== idOf(kim!)) throw new Error('the key of one person made two runs on two gateways');
};

export const peopleScenarios: Scenario[] = [
  {
    name: 'trust-two-people-one-id',
    promise: 'S-1 S-3 S-22 W-4',
    cluster: { gateways: 2, ai: 1 },
    deadlineMs: 90_000,
    run: async (stage) => {
      const winners = [];
      for (let i = 0; i < 25; i++) winners.push(await birth(stage));
      for (let i = 0; i < 10; i++) await keys(stage);
      const ann = winners.filter((who) => who === 'ann').length;
      stage.note(`${winners.length} races, ann made ${ann}; 10 keys that two people had in common`);
    },
  },
  {
    name: 'trust-what-was-deleted-stays-away',
    promise: 'S-17 S-22 P-9',
    cluster: { gateways: 2, ai: 1, audit: true },
    deadlineMs: 120_000,
    run: async (stage) => {
      let looked = 0;
      for (let round = 0; round < 2; round++) {
        for (const what of ['message', 'answer', 'conversation'] as const) looked += await deletion(stage, what);
      }
      stage.note(`${looked} ways looked through, twice each`);
    },
  },
];
