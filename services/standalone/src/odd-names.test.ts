import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '@runnel/kit';
import { describe, expect, test } from 'vitest';
import { newFolder, startAll } from '../testing/start-all.ts';

/** What a language, a store, a path or another table of ours may take for something else. */
const RESERVED = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', 'length', 'null', 'undefined', 'NaN'];
/** Ids of conversations, messages and runs: 1 to 64 of letters, digits, `_` and `-`. */
const IDS = [...RESERVED, '-', '_', '--', '0', '-1', '1e3', 'x'.repeat(64), 'api__', 'admin', 'verify', 'trail', 'search'];
/** Ids of persons may be mail addresses, paths, URNs. */
const PERSONS = [
  ...[...RESERVED, '...', '../../etc', './..', '/', '//', 'a:b', 'a:b:c', 'a|b', '|', ':', '~', '~~', '=', '+', '@', '-', 'A|a=1/b+c'],
  ...['ann@example.org', 'urn:uuid:1', 'x'.repeat(255), `~${'x'.repeat(42)}`, `~${'x'.repeat(44)}`, '0', '1e3', 'system', 'assistant'],
];

interface Trail {
  events: { type: string; userId: string | null; people: Record<string, string>; hash: string | null }[];
}

/** One process for all: a name must not reach into another's things. */
const open = async () => {
  const dir = await newFolder();
  const { sendAs } = await startAll(dir, { ADMIN_USERS: 'root', MAX_COMMANDS_PER_MINUTE: '0', MAX_SEARCHES_PER_MINUTE: '0' });
  /** Its status and its body, as whom and with what. */
  const as = (user: string) => ({
    get: (path: string) => sendAs(user, 'GET', path),
    send: (method: 'POST' | 'PATCH' | 'DELETE', path: string, payload?: object) =>
      sendAs(user, method, path, { ...(payload && { payload }) }),
  });
  const ask = async (user: string, ids: { conversationId: string; messageId: string; runId: string }): Promise<void> => {
    const asked = await as(user).send('POST', '/api/chat', { ...ids, text: 'count 2 at 500', model: 'count' });
    expect([ids, user, asked.statusCode]).toEqual([ids, user, 202]);
    const path = `/api/history/${ids.conversationId}`;
    const isWhole = async () => (await as(user).get(path)).body.includes(`"messageId":"${ids.runId}"`);
    await waitFor(isWhole, { deadlineMs: 10_000, what: `${ids.conversationId} of ${user} is answered` });
  };
  const trailOf = async (user: string, conversationId: string): Promise<Trail['events']> => {
    const told = async (): Promise<Trail['events']> => {
      const answer = await as(user).get(`/api/conversations/${conversationId}/trail`);
      return answer.statusCode === 200 ? answer.json<Trail>().events : [];
    };
    const isEnded = (events: Trail['events']): boolean => events.some(({ type }) => type === 'STREAM_COMPLETED');
    await waitFor(async () => isEnded(await told()), { deadlineMs: 10_000, what: `the trail of ${conversationId}` });
    return told();
  };
  return { dir, as, ask, trailOf };
};

describe('odd names', () => {
  test('P-1 a conversation, a message and a run may be called anything that an id may be', async () => {
    const { as, ask, trailOf } = await open();
    for (const name of IDS) {
      await ask('ann', { conversationId: name, messageId: name, runId: `${name.slice(0, 62)}-r` });
      await ask('ann', { conversationId: `in-${name.slice(0, 60)}`, messageId: 'm', runId: name });
    }
    for (const name of IDS) {
      const { messages } = (await as('ann').get(`/api/history/${name}`)).json<{ messages: { messageId: string; text: string }[] }>();
      expect([name, messages.map(({ text }) => text.trim())]).toEqual([name, ['count 2 at 500', 'w000001 w000002']]);
      expect((await trailOf('ann', name)).length).toBeGreaterThan(2);
      expect((await as('bob').get(`/api/history/${name}`)).statusCode).toBe(403);
      expect((await as('ann').get(`/api/conversations/${name}/verify`)).json()).toMatchObject({ problems: [] });
      expect((await as('ann').send('PATCH', `/api/conversations/${name}`, { title: `About ${name}` })).statusCode).toBe(200);
    }
    const { conversations } = (await as('ann').get('/api/conversations?limit=100')).json<{ conversations: { conversationId: string }[] }>();
    const listed = IDS.filter((name) => !name.startsWith('api__'));
    expect(conversations.map(({ conversationId }) => conversationId)).toEqual(expect.arrayContaining(listed));
    for (const name of IDS) {
      expect((await as('ann').send('DELETE', `/api/history/${name}`)).statusCode).toBe(204);
      expect((await as('ann').get(`/api/history/${name}`)).statusCode).toBe(404);
      expect((await as('ann').get(`/api/history/in-${name.slice(0, 60)}`)).statusCode).toBe(200);
    }
  }, 120_000);

  test('P-1 S-17 a person may be called anything that a person may be: their own is theirs, and they can be forgotten', async () => {
    const { dir, as, ask, trailOf } = await open();
    const idOf = (person: string): string => `c${PERSONS.indexOf(person)}`;
    for (const person of PERSONS) await ask(person, { conversationId: idOf(person), messageId: 'm', runId: `r-${idOf(person)}` });
    for (const person of PERSONS) {
      const { conversations } = (await as(person).get('/api/conversations')).json<{ conversations: { conversationId: string }[] }>();
      expect([person, conversations.map(({ conversationId }) => conversationId)]).toEqual([person, [idOf(person)]]);
      // The database hears of an answer a moment after its reader.
      const found = async (): Promise<string[]> =>
        (await as(person).get('/api/search?q=w000002'))
          .json<{ found: { conversationId: string }[] }>()
          .found.map((one) => one.conversationId);
      await waitFor(async () => (await found()).length > 0, { deadlineMs: 10_000, what: `the answer of ${person} in the search` });
      expect([person, new Set(await found())]).toEqual([person, new Set([idOf(person)])]);
      const events = await trailOf(person, idOf(person));
      for (const { userId, people } of events.filter((event) => event.userId !== null))
        expect([person, userId, Object.hasOwn(people, person)]).toEqual([person, person, true]);
    }
    for (const person of PERSONS) {
      const erased = await as('root').send('DELETE', `/api/admin/users/${encodeURIComponent(person)}`);
      expect([person, erased.json()]).toEqual([person, { conversations: 1, forgotten: true }]);
      expect((await as(person).get(`/api/history/${idOf(person)}`)).statusCode).toBe(404);
    }
    // Of names that nothing else in those files looks like.
    const telling = PERSONS.filter((person) => /example|urn:|x{40}/.test(person));
    const named = async (): Promise<string[]> => {
      const files = (await readdir(dir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
      const texts = await Promise.all(files.map((entry) => readFile(join(entry.parentPath, entry.name), 'latin1')));
      return telling.filter((person) => texts.some((text) => text.includes(person)));
    };
    await waitFor(async () => (await named()).length === 0, { deadlineMs: 10_000, what: 'no file names who was erased' });
    const verified = await Promise.all(PERSONS.map((person) => as('root').get(`/api/admin/conversations/${idOf(person)}/verify`)));
    for (const answer of verified) expect(answer.json()).toMatchObject({ problems: [] });
  }, 120_000);

  test('S-17 nobody is called what could not be forgotten: what the trail calls somebody, or what no address ends in', async () => {
    const { as } = await open();
    for (const name of [`~${'x'.repeat(43)}`, `~${'_-A0'.repeat(10)}abc`, '.', '..'])
      expect([name, (await as(name).get('/api/me')).statusCode]).toEqual([name, 401]);
  });
});
