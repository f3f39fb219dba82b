import { randomUUID } from 'node:crypto';
import { ERRORS } from '@runnel/protocol';
import { WebSocket } from 'ws';
import type { Scenario } from '../../../harness/scenario.ts';
import type { Stage } from '../../../harness/stage.ts';
import { Stranger } from '../../../harness/viewers/stranger.ts';
import { WAYS_IN } from '../../../harness/viewers/ways-in.ts';
import { waitFor } from '../../../harness/wait.ts';
import { addressesOf, ask, BODIES, FRAMES, HEADERS, type Told } from './doors.ts';
import { BAD_SEGMENTS, BAD_TEXTS, BAD_VALUES, goodIds } from './ids.ts';

/** What may be said of an id that is none: it does not fit, no such route or resource, too long for a line, a header or a body. */
const REFUSALS = new Set([400, 404, 413, 414, 415, 431]);
/** A route that takes no such id from anybody says so before it looks at it. */
const OTHERWISE = new Set([401, 403, 405, 412, 422]);
const CODES = new Set<string>(Object.keys(ERRORS));
const brief = (id: unknown): string => JSON.stringify(id)?.slice(0, 60) ?? String(id);

/** What a door said of an id that is none. */
class Judge {
  readonly statuses = new Map<string, number>();
  readonly #wrong: string[] = [];

  note(door: string, id: unknown, { status, code, text }: Told, isId = false): void {
    this.statuses.set(String(status), (this.statuses.get(String(status)) ?? 0) + 1);
    const told = `${door} with ${brief(id)}: ${status} ${text.slice(0, 160)}`;
    // A line or a header longer than a parser takes ends its connection.
    if (status === 0 && String(id).length >= 5_000) return;
    const isRefused = REFUSALS.has(status) || OTHERWISE.has(status);
    if (!isRefused && !(isId && status < 300)) this.#wrong.push(told);
    // OpenAI's dialects have words of their own.
    else if (code !== undefined && !CODES.has(code) && !text.startsWith('{"error"')) this.#wrong.push(`no documented code: ${told}`);
  }
  wrong(told: string): void {
    this.#wrong.push(told);
  }
  end(): void {
    if (this.#wrong.length > 0) throw new Error(`P-8: ${this.#wrong.length} answers, among them\n${this.#wrong.slice(0, 12).join('\n')}`);
  }
}

/** Sends frames one after the other, each on a socket that is open; resolves to the answer, or to how the socket closed. */
const framesOf = (origin: string, userId: string) => {
  let socket: WebSocket | null = null;
  let [said, closed] = ['', 0];
  const open = async (): Promise<void> => {
    if (socket?.readyState === WebSocket.OPEN) return;
    const made = new WebSocket(`${origin.replace('http', 'ws')}/ws/chat?user_id=${userId}`, 'runnel.v1');
    let welcome = false;
    closed = 0;
    made.on('error', () => undefined);
    made.on('close', (code) => (closed = code));
    made.on('open', () => made.send('{"type":"hello","protocol":1}'));
    made.on('message', (data) => {
      const text = String(data);
      if (text.startsWith('{"type":"welcome"')) welcome = true;
      if ((JSON.parse(text) as { id?: string }).id === 'asked') said = text;
    });
    await waitFor(() => welcome, { deadlineMs: 20_000, what: 'a welcome' });
    socket = made;
  };
  const send = async (frame: object): Promise<{ type: string; code?: string; closed?: number }> => {
    await open();
    said = '';
    socket!.send(JSON.stringify({ id: 'asked', ...frame }));
    await waitFor(() => said !== '' || closed !== 0, { deadlineMs: 20_000, what: `an answer to ${brief(frame)}` });
    if (said === '') return { type: 'closed', closed };
    return JSON.parse(said) as { type: string; code?: string };
  };
  return { send, close: () => socket?.terminate() };
};

const refuseWhatIsNoId = async (stage: Stage): Promise<void> => {
  const { url } = stage.cluster.gateways[0]!;
  const judge = new Judge();
  const some = <T>(all: readonly T[], n: number): T[] => Array.from({ length: n }, () => stage.random.pick(all));
  const document = (await (await fetch(`${url}/api/docs/json`)).json()) as Parameters<typeof addressesOf>[0];
  const addresses = addressesOf(document);
  if (addresses.length < 20) throw new Error(`only ${addresses.length} addresses have a place for an id`);
  for (const { name, method, path } of addresses) {
    for (const segment of some(BAD_SEGMENTS, 8)) judge.note(name, segment, await ask(url, 'ann', { method, path: path(segment) }), true);
  }
  for (const [door, make] of Object.entries(BODIES)) {
    // No parent is the newest leaf's, and a message without an id gets one from no one.
    for (const id of [...some(BAD_TEXTS, 12), ...some(BAD_VALUES, 6)]) judge.note(door, id, await ask(url, 'ann', make(id)));
  }
  for (const [door, make] of Object.entries(HEADERS)) {
    const texts = BAD_TEXTS.map((text) => Buffer.from(text).toString('latin1')).filter((text) => !/[\0-\x08\x0a-\x1f\x7f]/.test(text));
    // A cursor that is none is a reader without one; a header without a value is none.
    for (const id of some(texts, 12)) judge.note(door, id, await ask(url, 'ann', make(id)), door.startsWith('event') || id.trim() === '');
  }
  const frames = framesOf(url, 'ann');
  for (const [door, make] of Object.entries(FRAMES)) {
    for (const id of [...some(BAD_TEXTS, 8), ...some(BAD_VALUES, 4)]) {
      const answer = await frames.send(make(id));
      const isTooBig = answer.closed === 1009 && String(id).length > 30_000;
      if (!isTooBig && answer.code !== 'bad-frame') judge.wrong(`frame ${door} with ${brief(id)}: ${JSON.stringify(answer)}`);
    }
  }
  frames.close();
  stage.note(`${addresses.length} addresses; ${[...judge.statuses].map(([status, n]) => `${n} × ${status}`).join(', ')}`);
  judge.end();
};

/** A turn by one of the ways that begin one. */
const TURNS: Record<string, (person: Stranger, conversationId: string, text: string) => Promise<string>> = {
  body: (person, conversationId, text) =>
    person.http('POST', '/api/chat', { conversationId, messageId: randomUUID(), text, model: 'count' }),
  frame: (person, conversationId, text) => person.frame({ type: 'prompt', conversationId, messageId: randomUUID(), text, model: 'count' }),
  '/v1': (person, conversationId, text) =>
    person.http(
      'POST',
      '/v1/chat/completions',
      { model: 'count', messages: [{ role: 'user', content: text }] },
      { 'x-runnel-conversation': conversationId },
    ),
};

interface Page {
  messages: { messageId: string; text: string }[];
}
const pageOf = async (person: Stranger, conversationId: string): Promise<Page['messages']> => {
  const answer = await person.http('GET', `/api/history/${conversationId}?limit=100`);
  return answer.startsWith('200') ? (JSON.parse(answer.slice(4)) as Page).messages : [];
};

/** An id that is odd and allowed: one conversation, whatever way one comes in by, and its owner's alone. */
const liveUnder = async (stage: Stage, conversationId: string, userId: string): Promise<void> => {
  const people = stage.cluster.gateways.map(({ url }) => new Stranger(userId, () => url, stage.random.fork()));
  const bob = new Stranger(`bob-${randomUUID()}`, stage.origin, stage.random.fork());
  const secret = String(stage.random.between(1e8, 1e9 - 1));
  try {
    await bob.frame({ type: 'follow', conversationId }, { stay: true });
    const ways = Object.entries(TURNS);
    for (const [index, [way, turn]] of ways.entries()) {
      const answer = await turn(people[index % people.length]!, conversationId, `count 2 at 900.${secret}`);
      if (!/^20[02]|"type":"ok"/.test(answer)) throw new Error(`${way} in ${brief(conversationId)}: ${answer.slice(0, 300)}`);
      await waitFor(async () => (await pageOf(people[0]!, conversationId)).length === (index + 1) * 2, {
        deadlineMs: 30_000,
        everyMs: 50,
        what: `turn ${index + 1} of ${brief(conversationId)}`,
      });
    }
    const pages = await Promise.all(people.map((person) => pageOf(person, conversationId)));
    const ids = pages.map((page) => page.map(({ messageId }) => messageId).join());
    for (const person of people) {
      await person.frame({ type: 'follow', conversationId }, { stay: true });
      await person.stream(`/api/conversations/${conversationId}/events`);
      const snapshots = (): string[] => person.heard.filter((text) => text.startsWith('{"type":"snapshot"'));
      await waitFor(() => snapshots().length >= 2, { deadlineMs: 20_000, what: `two snapshots of ${brief(conversationId)}` });
      for (const text of snapshots()) {
        const snapshot = JSON.parse(text) as Page & { conversationId: string };
        if (snapshot.conversationId === conversationId) ids.push(snapshot.messages.map(({ messageId }) => messageId).join());
      }
    }
    if (new Set(ids).size !== 1 || ids.length < 2 + people.length * 2)
      throw new Error(`${brief(conversationId)} differs by the way in: ${ids.join(' | ')}`);
    const [messageIds, runIds] = [pages[0]!.map(({ messageId }) => messageId), pages[0]!.map(({ messageId }) => messageId)];
    for (const way of WAYS_IN) {
      const answer = await way.enter(bob, { conversationId, messageIds, runIds });
      if (answer.includes(secret)) throw new Error(`P-1: ${way.name} gave ${brief(conversationId)} to a stranger: ${answer.slice(0, 300)}`);
      if (/^5|"internal"/.test(answer)) throw new Error(`${way.name} in ${brief(conversationId)}: ${answer.slice(0, 300)}`);
    }
    const leak = bob.heard.find((text) => text.includes(secret)) ?? bob.logEvents[0];
    if (leak !== undefined) throw new Error(`P-1: a stranger heard of ${brief(conversationId)}: ${leak.slice(0, 300)}`);
  } finally {
    for (const person of [...people, bob]) person.leave();
  }
};

export const oddScenarios: Scenario[] = [
  {
    name: 'trust-what-is-no-id-is-refused-at-every-door',
    promise: 'S-2 S-20 P-8',
    cluster: { gateways: 1, ai: 1, audit: true },
    deadlineMs: 240_000,
    run: refuseWhatIsNoId,
  },
  {
    name: 'trust-odd-ids-are-one-conversation-by-every-way',
    promise: 'S-1 S-22 P-1 W-4',
    cluster: { gateways: 2, ai: 1, audit: true },
    deadlineMs: 300_000,
    run: async (stage) => {
      const ids = goodIds(stage.random, 10);
      for (const id of ids) await liveUnder(stage, id, `ann-${randomUUID().slice(0, 8)}`);
      stage.note(`${ids.length} ids: ${ids.map((id) => id.slice(0, 20)).join(' ')}`);
    },
  },
];
