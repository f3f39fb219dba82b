import type { ConnectionState } from '@runnel/client';
import { utf8Length, type Message, type RunSnapshot } from '@runnel/protocol';
import { chain, emptyView, liveConnection, message, type FakeClient } from './fake-client.ts';

import { partScenes } from './scenes-parts.ts';
import { wordScenes } from './scenes-words.ts';

const HOUR = 3_600_000;
const ID = 'c1';

const ANSWER = `A river bends because a straight line is **unstable**. The smallest bump sets it off:

1. Water at the outside of a bend must travel further, so it runs *faster* and cuts into the bank.
2. At the inside it slows down and drops the sand it carries.
3. So the bend grows, and the next one is pushed the other way.

### In figures

| Part | Speed | What happens |
| :-- | --: | :-- |
| Outer bank | 1.4 m/s | erosion |
| Middle | 1.0 m/s | transport |
| Inner bank | 0.5 m/s | deposit |

A small model of it, where \`k\` is how soft the bank is:

\`\`\`ts
// One step of a bend's growth, in metres a year.
export function grow(bend: number, speed: number, k = 0.04): number {
  const erosion = k * speed ** 2 * Math.sign(bend);
  return bend + erosion; // it never gets straighter by itself
}
\`\`\`

> Einstein explained it in 1926 with a cup of tea: the leaves gather in the middle.

More at [the article on meanders](https://en.wikipedia.org/wiki/Meander). ![A meander](https://example.org/meander.jpg)`;

const QUESTION = 'Why does a river never run straight?';

const talk = (): Message[] =>
  chain([
    message('user', QUESTION),
    message('assistant', ANSWER),
    message('user', 'And on the moon?\nOne sentence is enough.'),
    message(
      'assistant',
      'There is no liquid water there, but lava once flowed through channels that wind in the same way, such as Hadley Rille.',
    ),
  ]);

const running = (parent: Message, text: string): RunSnapshot & { bytes: number; moves: number } => ({
  ...{ runId: 'run', parentId: parent.messageId, model: 'demo', epoch: 1, startedAt: Date.now(), moves: 0 },
  ...{ text, bytes: utf8Length(text) },
});

const open = (client: FakeClient, messages: Message[], text?: string, title = QUESTION): string => {
  const view = emptyView(ID);
  const run = text === undefined ? null : running(messages.at(-1)!, text);
  client.change(ID, { conversation: { ...view.conversation, logId: 'l', offset: 9, title, messages, run } });
  fill(client);
  return ID;
};

/** Nobody is let in. */
const refused = (): ConnectionState => ({
  ...liveConnection(),
  status: 'refused',
  error: { code: 'unauthorized', message: '', retryable: false },
});

const fill = (client: FakeClient): void => {
  const titles: [string, number][] = [
    [QUESTION, 0],
    ['Retry with jitter in TypeScript', 3],
    ['A poem about a mountain stream', 27],
    ['Kế hoạch du lịch Hà Giang mùa lúa chín', 30],
    ['count 200 at 20', 70],
    ['The difference between a lease and a lock, explained with a library card', 80],
    ['Notes for Thursday', 400],
  ];
  client.list.push(...titles.map(([title, hours], i) => ({ conversationId: `c${i + 1}`, title, updatedAt: Date.now() - hours * HOUR })));
};

/** States of the page by name, each the open conversation or a path: for tests, and to look at (`vite`, then /test/harness.html?scene=chat). */
/** A conversation of so many questions with their answers, before so many others. */
const talkOf = (client: FakeClient, { talks, conversations }: { talks: number; conversations: number }): string => {
  const messages = Array.from({ length: talks }, (_, i) => [
    message('user', `Question ${i + 1}`),
    message(
      'assistant',
      `Answer ${i + 1}: ${'some **words** and `code`. '.repeat(1 + (i % 9))}\n\n- one\n- two\n\n\`\`\`ts\nconst n = ${i};\n\`\`\``,
    ),
  ]);
  const id = open(client, chain(messages.flat()));
  client.list.length = 0;
  client.list.push(
    ...Array.from({ length: conversations }, (_, i) => ({
      conversationId: `c${i + 1}`,
      title: `Conversation ${i + 1}`,
      updatedAt: Date.now() - i * HOUR,
    })),
  );
  client.change('c2', { conversation: { ...client.view('c2').get().conversation, logId: 'l2', messages: talk() } });
  return id;
};

export const scenes: Record<string, (client: FakeClient) => string | null> = {
  ...partScenes,
  ...wordScenes(open),
  noCopies: (client) => {
    client.rights.copies = false;
    return open(client, talk());
  },
  folders: (client) => {
    const id = open(client, talk());
    for (const at of [1, 3]) client.list[at] = { ...client.list[at]!, folder: 'Work' };
    client.list[6] = { ...client.list[6]!, folder: 'Chuyến đi' };
    return id;
  },
  home: (client) => (fill(client), null),
  first: () => null,
  chat: (client) => {
    const messages = talk();
    open(client, messages);
    client.change(ID, { verified: 'verified' });
    return ID;
  },
  streaming: (client) => open(client, talk().slice(0, 1), ANSWER.slice(0, 620)),
  thinking: (client) => open(client, talk().slice(0, 3), ''),
  table: (client) => open(client, talk().slice(0, 1), ANSWER.slice(0, 430)),
  code: (client) => open(client, talk().slice(0, 1), ANSWER.slice(0, 760)),
  branches: (client) => {
    const messages = talk();
    messages.push(message('assistant', 'Only lava ever flowed there.', { parentId: messages[2]!.messageId }));
    messages.push(message('assistant', 'Rilles wind like rivers do.', { parentId: messages[2]!.messageId }));
    return open(client, messages);
  },
  marks: (client) => {
    const texts = ['What had come so far is', '', 'Half an answer', 'Gone'];
    const statuses = ['cancelled', 'failed', 'interrupted', 'deleted'] as const;
    const messages = chain(
      statuses.flatMap((status, i) => [
        message('user', `Question ${i + 1}`),
        message('assistant', status === 'deleted' ? '' : texts[i]!, { status }),
      ]),
    );
    return open(client, messages);
  },
  moved: (client) => open(client, talk().slice(0, 3), 'There is no liquid water there, but lava'),
  queued: (client) => {
    const messages = talk();
    const id = open(client, messages);
    client.connection.set({ ...liveConnection(), status: 'offline', attempt: 2 });
    const prompt = { conversationId: id, runId: 'r1', error: null, createdAt: Date.now(), parentId: messages.at(-1)!.messageId };
    client.change(id, {
      pending: [
        { ...prompt, messageId: 'm1', text: 'Tell me about Hadley Rille', status: 'queued' },
        {
          ...prompt,
          messageId: 'm2',
          parentId: 'm1',
          text: 'And another',
          status: 'failed',
          error: { code: 'rate-limited', message: '', retryable: true },
        },
      ],
    });
    return id;
  },
  reconnecting: (client) => {
    const id = open(client, talk());
    client.connection.set({ ...liveConnection(), status: 'reconnecting', attempt: 3, retryAt: Date.now() + 8_000 });
    return id;
  },
  signIn: (client) => {
    client.connection.set(refused());
    return null;
  },
  signInLink: (client) => {
    client.way.url = '/oauth2/start?rd={return}';
    client.connection.set(refused());
    return '/c/c1';
  },
  signInOwn: (client) => {
    client.way.mode = 'oidc';
    client.way.url = '/api/sign-in/start?return={return}';
    client.connection.set(refused());
    return '/c/c1';
  },
  signInFailed: (client) => {
    client.way.mode = 'oidc';
    client.way.url = '/api/sign-in/start?return={return}';
    client.connection.set(refused());
    return '/c/c1?sign_in=forbidden';
  },
  ended: (client) => {
    client.way.mode = 'oidc';
    client.way.url = '/api/sign-in/start?return={return}';
    const id = open(client, talk().slice(0, 1), ANSWER.slice(0, 620));
    setTimeout(() => client.connection.set(refused()), 300);
    return id;
  },
  account: (client) => {
    client.way.mode = 'oidc';
    fill(client);
    return null;
  },
  expired: (client) => {
    const id = open(client, talk().slice(0, 1), ANSWER.slice(0, 620));
    setTimeout(() => client.connection.set(refused()), 100);
    return id;
  },
  forbidden: (client) => {
    client.change(ID, { problem: { code: 'forbidden', message: '', retryable: false } });
    fill(client);
    return ID;
  },
  loading: (client) => (client.change(ID, { sync: 'loading' }), fill(client), ID),
  long: (client) => {
    const talks = Array.from({ length: 12 }, (_, i) => [
      message('user', `Question ${i + 13}`),
      message('assistant', 'A paragraph.\n\n'.repeat(4)),
    ]);
    const messages = chain(talks.flat());
    const id = open(client, messages);
    const { conversation } = client.view(id).get();
    client.change(id, { conversation: { ...conversation, hasMore: true } });
    return id;
  },
  huge: (client) => talkOf(client, { talks: 1_000, conversations: 5_000 }),
  // What a screen holds, and a little more.
  modest: (client) => talkOf(client, { talks: 10, conversations: 50 }),
  audit: (client) => (fill(client), '/audit/c1'),
  auditAuditor: (client) => {
    client.rights.role = 'auditor';
    fill(client);
    return '/audit';
  },
  auditAdmin: (client) => {
    client.rights.admin = true;
    fill(client);
    return '/audit';
  },
  vietnamese: (client) =>
    open(
      client,
      chain([
        message('user', 'Vì sao sông không bao giờ chảy thẳng?'),
        message(
          'assistant',
          'Vì một dòng thẳng **không bền**. Chỉ cần một chỗ lồi nhỏ:\n\n- Nước ở bờ ngoài chảy *nhanh hơn* và bào mòn bờ.\n- Nước ở bờ trong chậm lại và để cát lắng xuống.\n\nThế là khúc cong lớn dần, và khúc kế tiếp bị đẩy sang phía kia.',
        ),
      ]),
      undefined,
      'Vì sao sông không bao giờ chảy thẳng?',
    ),
};
