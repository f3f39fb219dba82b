// `useChat` in React, without a browser, with one of its transports: a page asks, is left in the middle of the answer, is opened again, stops.
//   node use-chat.mjs <url of a Runnel> default|workflow|websocket
import { GlobalRegistrator } from '@happy-dom/global-registrator';

// The page's own network stays Node's: the one that comes with the DOM has rules of a browser's origin.
const network = { fetch, Request, Response, Headers, WebSocket, Event, EventTarget, MessageEvent, CloseEvent };
const streams = {
  ReadableStream,
  WritableStream,
  TransformStream,
  TextDecoderStream,
  TextEncoder,
  TextDecoder,
  AbortController,
  AbortSignal,
};
GlobalRegistrator.register({ url: 'http://127.0.0.1/' });
Object.assign(globalThis, network, streams);
const { createElement } = await import('react');
const { createRoot } = await import('react-dom/client');
const { useChat } = await import('@ai-sdk/react');
const { DefaultChatTransport, WebSocketChatTransport } = await import('ai');
const { WorkflowChatTransport } = await import('@ai-sdk/workflow/client');

const [url, form = 'default'] = process.argv.slice(2);
const WORDS = 40;
const due = Array.from({ length: WORDS }, (_, i) => `w${String(i + 1).padStart(6, '0')}`).join(' ');
const api = `${url}/api/ai-sdk`;
const headers = { authorization: 'Bearer react' };
const body = { model: 'count' };
/** A page's own: whoever leaves it leaves its transport. */
const transports = {
  default: () => new DefaultChatTransport({ api, body, headers }),
  workflow: () =>
    new WorkflowChatTransport({
      api,
      prepareSendMessagesRequest: ({ id, messages, trigger }) => ({ headers, body: { ...body, id, messages, trigger } }),
      prepareReconnectToStreamRequest: () => ({ headers }),
    }),
  websocket: () => new WebSocketChatTransport({ url: `${url.replace('http', 'ws')}/ws/ai-sdk`, body, headers }),
};

let chat;
const Page = ({ transport, ...props }) => {
  chat = useChat({ ...props, transport });
  return createElement('p', null, chat.status);
};
const open = (props) => {
  chat = undefined;
  const root = createRoot(document.body.appendChild(document.createElement('div')));
  const transport = transports[form]();
  root.render(createElement(Page, { ...props, transport }));
  return { chat, leave: () => (root.unmount(), transport.close?.()) };
};
const text = () => (chat?.messages.at(-1)?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');
const until = async (what, holds) => {
  const deadline = performance.now() + 25_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`no ${what}: ${chat?.status} ${chat?.error} ${JSON.stringify(chat?.messages)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const id = `react-${form}-${process.pid}-${Date.now()}`;
const first = open({ id });
await until('page', () => chat !== undefined);
void chat.sendMessage({ text: `count ${WORDS} at 20` });
await until('fifth word', () => text().includes('w000005'));
const [question] = chat.messages;
first.leave();
if (text().includes(`w0000${WORDS}`)) throw new Error('the answer was over before the page was left');
open({ id, resume: true, messages: [question] });
await until('whole answer', () => chat?.status === 'ready' && text().trim() === due);
if (chat.messages.length !== 2) throw new Error(`${chat.messages.length} messages`);
console.log(`${form}-resumed`);

// Stop means stop, for everybody: over a socket by itself, else by the stop of its own address.
void chat.sendMessage({ text: 'count 400 at 20' });
await until('words of the second answer', () => chat.messages.length === 4 && text().includes('w000003'));
await chat.stop();
if (form !== 'websocket') await fetch(`${api}/${id}/stop`, { method: 'POST', headers });
await until('end', () => chat.status === 'ready');
const deadline = performance.now() + 10_000;
while ((await fetch(`${api}/${id}/stream`, { headers })).status !== 204)
  if (performance.now() > deadline) throw new Error('after a stop something is still written');
console.log(`${form}-stopped`);
process.exit(0);
