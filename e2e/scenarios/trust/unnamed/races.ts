import { randomUUID } from 'node:crypto';
import type { Stage } from '../../../harness/stage.ts';
import { Stranger } from '../../../harness/viewers/stranger.ts';
import { waitFor } from '../../../harness/wait.ts';

const statusOf = (answer: string): number => Number(answer.slice(0, 3));
const times = <T>(n: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: n }, (_, i) => make(i)));
/** The same person at each gateway. */
const everywhere = (stage: Stage, userId: string): Stranger[] =>
  stage.cluster.gateways.map(({ url }) => new Stranger(userId, () => url, stage.random.fork()));
/** A refusal is an answer; a fault of ours, and a wait without an end, is none. */
const noFault = (what: string, answers: readonly string[]): void => {
  const fault = answers.find((answer) => statusOf(answer) >= 500 && !/^503 .*"code":"(unavailable|overloaded)"/.test(answer));
  if (fault !== undefined) throw new Error(`${what}: ${fault.slice(0, 300)}`);
};
const ask = (person: Stranger, conversationId: string, text: string, more: object = {}): Promise<string> =>
  person.http('POST', '/api/chat', { conversationId, messageId: randomUUID(), text, model: 'count', ...more });
const idsIn = (page: string): string[] =>
  (JSON.parse(page.slice(4)) as { messages: { messageId: string }[] }).messages.map(({ messageId }) => messageId);
const historyOf = (person: Stranger, conversationId: string): Promise<string> =>
  person.http('GET', `/api/history/${conversationId}?limit=100`);
const untilQuiet = async (people: readonly Stranger[], conversationId: string): Promise<string[]> => {
  let pages: string[] = [];
  await waitFor(
    async () => {
      const before = pages.join();
      pages = await Promise.all(people.map((person) => historyOf(person, conversationId)));
      return pages.join() === before && new Set(pages).size === 1;
    },
    { deadlineMs: 30_000, everyMs: 400, what: `all gateways to show one ${conversationId}` },
  );
  return pages;
};

/** Everything that changes a conversation, at once and at every gateway: afterwards there is one truth, and nothing goes on in what is gone. */
export const everythingAtOnce = async (stage: Stage): Promise<void> => {
  const outcomes = new Map<string, number>();
  for (let round = 0; round < 12; round++) {
    const people = everywhere(stage, `ann-${round}`);
    const conversationId = stage.newConversation();
    const [messageId, runId] = [randomUUID(), randomUUID()];
    await ask(people[0]!, conversationId, 'count 4 at 200', { messageId, runId });
    await waitFor(async () => (await historyOf(people[0]!, conversationId)).includes(`"${runId}"`), {
      deadlineMs: 20_000,
      everyMs: 50,
      what: 'the first answer',
    });
    const forks = [stage.newConversation(), stage.newConversation()];
    const deeds: ((person: Stranger) => Promise<string>)[] = [
      (person) => ask(person, conversationId, 'count 3 at 300'),
      (person) => ask(person, conversationId, 'count 3 at 300', { parentId: runId }),
      (person) => person.http('POST', '/api/regenerate', { conversationId, parentId: messageId }),
      (person) => person.http('PATCH', `/api/conversations/${conversationId}`, { title: `round ${round}` }),
      (person) => person.http('DELETE', `/api/history/${conversationId}/${messageId}`),
      ...forks.map(
        (id) => (person: Stranger) =>
          person.http('POST', `/api/conversations/${conversationId}/fork`, { messageId: runId, conversationId: id }),
      ),
      (person) => person.http('DELETE', `/api/history/${conversationId}`),
      (person) => person.http('POST', '/api/cancel', { conversationId, runId }),
    ];
    const drawn = Array.from({ length: 24 }, () => stage.random.pick(deeds));
    const answers = await Promise.all(drawn.map((deed) => deed(stage.random.pick(people))));
    noFault('everything at once', answers);
    for (const answer of answers) outcomes.set(answer.slice(0, 3), (outcomes.get(answer.slice(0, 3)) ?? 0) + 1);
    for (const id of [conversationId, ...forks]) {
      const [page] = await untilQuiet(people, id);
      // A fork is whole or was not made; what it was made of may be gone.
      if (id !== conversationId && page!.startsWith('200') && !idsIn(page!).includes(runId))
        throw new Error(`half a fork: ${page!.slice(0, 300)}`);
    }
    for (const person of people) person.leave();
  }
  stage.note(`everything at once: ${[...outcomes].map(([status, n]) => `${n} × ${status}`).join(', ')}`);
};

/** Cancels by the hundred, of its owner and of strangers, at every gateway: one end, and the conversation goes on. */
export const cancelStorm = async (stage: Stage): Promise<void> => {
  const people = everywhere(stage, 'carl');
  const strangers = everywhere(stage, 'mallory');
  const conversationId = stage.newConversation();
  await people[0]!.frame({ type: 'follow', conversationId }, { stay: true });
  for (let round = 0; round < 3; round++) {
    const runId = randomUUID();
    await ask(people[0]!, conversationId, 'count 100000 at 50', { runId });
    await waitFor(() => people[0]!.heard.some((event) => event.includes('"type":"chunk"') && event.includes(runId)), {
      deadlineMs: 20_000,
      what: 'words to cancel',
    });
    const stop = (person: Stranger) => person.http('POST', '/api/cancel', { conversationId, runId });
    const foreign = await times(20, (i) => stop(strangers[i % 2]!));
    if (foreign.some((answer) => statusOf(answer) !== 403)) throw new Error(`a stranger cancels: ${foreign.join(' ').slice(0, 300)}`);
    if (people[0]!.heard.some((event) => event.includes('"run-ended"') && event.includes(runId))) throw new Error('strangers ended a run');
    const answers = await times(150, (i) => stop(people[i % 2]!));
    noFault('cancels', answers);
    const ends = (): string[] => people[0]!.heard.filter((event) => event.includes('"run-ended"') && event.includes(runId));
    await waitFor(() => ends().length > 0, { deadlineMs: 20_000, what: 'the end of what was cancelled' });
    await untilQuiet(people, conversationId);
    if (ends().length !== 1) throw new Error(`P-2: ${ends().length} ends`);
  }
  for (const person of [...people, ...strangers]) person.leave();
};

/** Whoever asks for more than they may, all at once and at every gateway, gets what they may. */
export const boundsAtOnce = async (stage: Stage, most: { keys: number; files: number }): Promise<void> => {
  const people = everywhere(stage, 'greta');
  const keys = await times(30, (i) => people[i % 2]!.http('POST', '/api/keys', { name: `k${i}`, scopes: ['chat'] }));
  noFault('keys', keys);
  const made = keys.filter((answer) => statusOf(answer) === 201).length;
  if (made !== most.keys) throw new Error(`${made} keys of ${most.keys}`);
  const upload = { 'tus-resumable': '1.0.0', 'upload-length': '5', 'upload-metadata': `filename ${btoa('a.txt')}` };
  const files = await times(30, (i) => people[i % 2]!.http('POST', '/api/files', undefined, upload));
  noFault('files', files);
  const begun = files.filter((answer) => statusOf(answer) === 201).length;
  if (begun > most.files) throw new Error(`${begun} files of ${most.files}`);
  // Each sees the others that are being made, so haste may refuse all of them: who comes again has room.
  const after = await people[0]!.http('POST', '/api/files', undefined, upload);
  if (begun < most.files && statusOf(after) !== 201) throw new Error(`with ${begun} of ${most.files} files: ${after.slice(0, 200)}`);
  const settings = await times(80, (i) => people[i % 2]!.http('PATCH', '/api/settings', { theme: i % 3 === 0 ? 'dark' : 'light' }));
  noFault('settings', settings);
  const chosen = await Promise.all(people.map((person) => person.http('GET', '/api/settings')));
  if (new Set(chosen).size !== 1 || statusOf(chosen[0]!) !== 200)
    throw new Error(`two truths of settings: ${chosen.join(' | ').slice(0, 300)}`);
  const exports = await times(40, (i) => people[i % 2]!.http('GET', '/api/export'));
  noFault('exports', exports);
  const whole = exports.filter((answer) => statusOf(answer) === 200);
  if (whole.length === 0 || whole.some((answer) => !answer.includes('"kind":"end"') && !answer.includes('"type":"end"')))
    throw new Error(`an export without an end: ${exports.map(statusOf).join(' ')} ${whole[0]?.slice(-200)}`);
  stage.note(`at once: ${made} keys, ${begun} files, ${whole.length} of 40 exports`);
  for (const person of people) person.leave();
};

/** One key many times at once, at every gateway, of two people: one run for each of them. */
export const oneKeyAtOnce = async (stage: Stage): Promise<void> => {
  const people = [...everywhere(stage, 'kim'), ...everywhere(stage, 'lee')];
  const key = `again-${stage.random.between(1, 1e6)}`;
  const body = { model: 'count', messages: [{ role: 'user', content: 'count 3' }] };
  const answers = await times(24, (i) => people[i % people.length]!.http('POST', '/v1/chat/completions', body, { 'idempotency-key': key }));
  noFault('one key', answers);
  const runsOf = (who: readonly number[]): Set<string> =>
    new Set(
      answers
        .filter((answer, i) => who.includes(i % people.length) && statusOf(answer) === 200)
        .map((answer) => (JSON.parse(answer.slice(4)) as { id: string }).id),
    );
  const [kim, lee] = [runsOf([0, 1]), runsOf([2, 3])];
  if (kim.size !== 1 || lee.size !== 1 || [...kim].some((id) => lee.has(id)))
    throw new Error(`W-4: ${kim.size} and ${lee.size} runs of one key: ${answers.map(statusOf).join(' ')}`);
};
