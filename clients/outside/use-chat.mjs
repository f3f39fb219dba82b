// `useChat` in React, without a browser: a page asks, is left in the middle of the answer, and is opened again.
//   node use-chat.mjs <url of a Runnel>
import { GlobalRegistrator } from '@happy-dom/global-registrator';

// The page's own network stays Node's: the one that comes with the DOM has rules of a browser's origin.
const ofNode = { fetch, Request, Response, Headers, ReadableStream, TransformStream, TextDecoderStream, AbortController, AbortSignal };
GlobalRegistrator.register({ url: 'http://127.0.0.1/' });
Object.assign(globalThis, ofNode);
const { createElement } = await import('react');
const { createRoot } = await import('react-dom/client');
const { useChat } = await import('@ai-sdk/react');
const { DefaultChatTransport } = await import('ai');

const [url] = process.argv.slice(2);
const WORDS = 40;
const due = Array.from({ length: WORDS }, (_, i) => `w${String(i + 1).padStart(6, '0')}`).join(' ');
const transport = new DefaultChatTransport({
  api: `${url}/api/ai-sdk`,
  body: { model: 'count' },
  headers: { authorization: 'Bearer react' },
});

let chat;
const Page = (props) => {
  chat = useChat({ ...props, transport });
  return createElement('p', null, chat.status);
};
const open = (props) => {
  chat = undefined;
  const root = createRoot(document.body.appendChild(document.createElement('div')));
  root.render(createElement(Page, props));
  return root;
};
const text = () => (chat?.messages.at(-1)?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');
const until = async (what, holds) => {
  const deadline = performance.now() + 15_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`no ${what}: ${chat?.status} ${chat?.error} ${JSON.stringify(chat?.messages)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const id = `react-${process.pid}-${Date.now()}`;
const first = open({ id });
await until('page', () => chat !== undefined);
void chat.sendMessage({ text: `count ${WORDS} at 20` });
await until('fifth word', () => text().includes('w000005'));
const [question] = chat.messages;
first.unmount();
if (text().includes(`w0000${WORDS}`)) throw new Error('the answer was over before the page was left');
open({ id, resume: true, messages: [question] });
await until('whole answer', () => chat?.status === 'ready' && text().trim() === due);
console.log('use-chat');

// Stop means stop, for everybody.
void chat.sendMessage({ text: 'count 400 at 20' });
await until('words of the second answer', () => chat.messages.length === 4 && text().includes('w000003'));
await chat.stop();
await fetch(`${url}/api/ai-sdk/${id}/stop`, { method: 'POST', headers: { authorization: 'Bearer react' } });
await until('end', () => chat.status === 'ready');
const resumed = await fetch(`${url}/api/ai-sdk/${id}/stream`, { headers: { authorization: 'Bearer react' } });
if (resumed.status !== 204) throw new Error(`after a stop something is still written: ${resumed.status}`);
console.log('use-chat-stopped');
process.exit(0);
