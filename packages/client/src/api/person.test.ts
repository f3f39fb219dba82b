import { expect, test } from 'vitest';
import { createApi } from './api.ts';
import { createPerson } from './person.ts';
import { createCredentials } from '../connection/credentials.ts';
import { createFakeClock } from '../../testing/fake-clock.ts';

const setup = (answer: (path: string) => Response) => {
  const calls: unknown[][] = [];
  const clock = createFakeClock();
  const fetch = async (url: string, { method, body }: RequestInit = {}): Promise<Response> => {
    const path = url.replace('https://a.example', '');
    calls.push([method, path, ...(body ? [JSON.parse(body as string)] : [])]);
    return answer(path);
  };
  return { calls, person: createPerson(createApi({ url: 'https://a.example', fetch, credentials: createCredentials(clock), clock })) };
};

test('each change is the one of the protocol, and no name or id leaves its place', async () => {
  const kept = { name: 'a', text: 'b', updatedAt: 1 };
  const { person, calls } = setup((path) => (path.includes('prompts/') ? Response.json(kept) : new Response(null, { status: 204 })));
  await person.rate('c1', '../m', 'up');
  await person.rate('../c', 'm1', null);
  await person.rate('c1', 'm1', 'down', 'too long');
  expect(await person.keepPrompt('tóm/tắt', 'Tóm tắt:')).toEqual(kept);
  await person.deletePrompt('../settings');
  await person.changeSettings({ theme: 'dark', language: null });
  expect(calls).toEqual([
    ['PUT', '/api/conversations/c1/messages/..%2Fm/feedback', { rating: 'up' }],
    ['PUT', '/api/conversations/..%2Fc/messages/m1/feedback', { rating: null }],
    ['PUT', '/api/conversations/c1/messages/m1/feedback', { rating: 'down', reason: 'too long' }],
    ['PUT', '/api/prompts/t%C3%B3m%2Ft%E1%BA%AFt', { text: 'Tóm tắt:' }],
    ['DELETE', '/api/prompts/..%2Fsettings'],
    ['PATCH', '/api/settings', { theme: 'dark', language: null }],
  ]);
});

test('what is read is what the server says, and an answer without it is an error', async () => {
  const all = { feedback: [{ messageId: 'm', rating: 'up' }], prompts: [], limit: 200, folders: [{ name: 'A', count: 2 }], theme: 'dark' };
  const { person } = setup(() => Response.json(all));
  expect(await person.feedback('c1')).toEqual(all.feedback);
  expect(await person.prompts()).toMatchObject({ prompts: [], limit: 200 });
  expect(await person.folders()).toEqual(all.folders);
  expect(await person.settings()).toMatchObject({ theme: 'dark' });
  expect(await (await person.everything()).json()).toEqual(all);
  const broken = setup(() => Response.json({})).person;
  for (const read of [broken.feedback('c1'), broken.prompts(), broken.folders()])
    await expect(read).rejects.toMatchObject({ code: 'internal' });
});

test('a server that has none of it says not-found', async () => {
  const { person } = setup(() => new Response('nothing', { status: 404 }));
  for (const asked of [person.feedback('c1'), person.prompts(), person.settings(), person.folders(), person.everything()])
    await expect(asked).rejects.toMatchObject({ code: 'not-found' });
});
