import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHealth, createMetrics, loadConfig, silentLog, waitFor } from '@runnel/kit';
import { applyEvent, emptyConversation, fromSnapshot, isLogged, type ConversationState, type ServerEvent } from '@runnel/protocol';
import { expect, onTestFinished, test } from 'vitest';
import { createStandalone } from './app.ts';
import { configSpec } from './config.ts';

/** Texts at the edges of UTF-8, JSON, SSE and databases. */
const TEXTS = [
  ...['\ufeffa BOM first', 'a BOM \ufeff inside', '\ufeff\ufeffx', 'high half last \ud83d', '\ude00 low half first', 'a\ud83db', '\ud83d'],
  ...['😀👨‍👩‍👧‍👦🇻🇳', 'ắ và a\u0306\u0301', '  blanks around  ', '\n.\n', '\r\nCRLF\r\r\n', 'a\u0000b', '\ue0000\ue000', 'a\uffff\ufffe\ufffd'],
  ...[
    'a\u2028b\u2029c\u0085d',
    '\\"\\u0041\'`${x}',
    'data: x\n\nevent: end\n\n',
    '<script>&amp;</script>',
    'عربي \u202eabc',
    'x'.repeat(9_000),
  ],
];
/** As UTF-8 can hold it: half a character is U+FFFD. */
const wholeOf = (text: string): string => text.toWellFormed();
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A provider that says the text whose number it is asked, in pieces of one UTF-16 unit where that is short. */
const startProvider = async (): Promise<string> => {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += String(part);
    const { messages } = JSON.parse(body) as { messages: { content: string }[] };
    const text = TEXTS[Number(messages.at(-1)!.content)]!;
    const pieces = text.length < 100 ? text.split('') : [text.slice(0, 4_000), text.slice(4_000)];
    const choice = (delta: object, finish_reason: string | null = null): string =>
      `data: ${JSON.stringify({ id: '1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end([...pieces.map((content) => choice({ content })), choice({}, 'stop'), 'data: [DONE]\n\n'].join(''));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
};

const start = async (dataDir: string, baseURL: string): Promise<{ url: string; close(): Promise<void> }> => {
  const { gateway, closables } = await createStandalone({
    config: loadConfig(configSpec, { DATA_DIR: dataDir }),
    models: [{ id: 'texts', provider: 'openai-compatible', baseURL, default: true }],
    ...{ env: {}, log: silentLog, metrics: createMetrics('test', { processMetrics: false }), health: createHealth() },
  });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closed ??= (async () => {
      for (const closable of closables.toReversed()) await closable.close();
    })());
  onTestFinished(close);
  return { url: await gateway.app.listen({ host: '127.0.0.1', port: 0 }), close };
};

/** What a strict reader holds. */
class Reader {
  state: ConversationState = emptyConversation('c');
  end: Extract<ServerEvent, { type: 'run-ended' }> | undefined;

  take(event: ServerEvent): void {
    if (event.type === 'snapshot') this.state = fromSnapshot(event);
    if (event.type === 'run-ended') this.end = event;
    if (!isLogged(event)) return;
    const applied = applyEvent(this.state, event);
    if (applied.kind === 'gap') throw new Error(`a gap at ${event.offset}`);
    if (applied.kind === 'applied') this.state = applied.state;
  }
  textOf(messageId: string): string | undefined {
    return this.state.messages.find((message) => message.messageId === messageId)?.text;
  }
}

/** The data of each server-sent event, until `last` says so. */
const eventsOf = async <T>(url: string, last: (data: T) => boolean): Promise<T[]> => {
  const found: T[] = [];
  // Leaving the loop closes the stream.
  const response = await fetch(url);
  let text = '';
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  for await (const bytes of response.body!) {
    text += decoder.decode(bytes, { stream: true });
    for (let at = text.indexOf('\n\n'); at >= 0; at = text.indexOf('\n\n')) {
      const data = /^data: ([^\n]*)/m.exec(text.slice(0, at))?.[1];
      text = text.slice(at + 2);
      if (data === undefined) continue;
      if (data === '[DONE]') return found;
      found.push(JSON.parse(data) as T);
      if (last(found.at(-1)!)) return found;
    }
  }
  return found;
};

interface Page {
  messages: { messageId: string; text: string }[];
}

test('B19 a text has the same bytes in all nine places', { timeout: 60_000 }, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'runnel-texts-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const provider = await startProvider();
  const first = await start(dir, provider);
  const user = 'user_id=ann';
  const post = (path: string, body: object): Promise<Response> =>
    fetch(`${first.url}${path}?${user}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const found = TEXTS.map((): Record<string, string | undefined> => ({}));

  for (const [n, text] of TEXTS.entries()) {
    const [conversationId, runId] = [`c${n}`, `r${n}`];
    const live = new Reader();
    const socket = new WebSocket(`${first.url.replace('http', 'ws')}/ws/chat?${user}`);
    await once(socket, 'open');
    socket.addEventListener('message', ({ data }) => live.take(JSON.parse(String(data)) as ServerEvent));
    socket.send(JSON.stringify({ type: 'hello', protocol: 1 }));
    socket.send(JSON.stringify({ type: 'follow', id: 1, conversationId }));
    const streamed = new Reader();
    const events = `${first.url}/api/conversations/${conversationId}/events?${user}`;
    const reading = eventsOf<ServerEvent>(events, (event) => {
      streamed.take(event);
      return event.type === 'run-ended';
    });
    expect((await post('/api/chat', { conversationId, messageId: `m${n}`, runId, text: String(n) })).status).toBe(202);
    await reading;
    await waitFor(() => live.end, { deadlineMs: 8_000, what: `the end of text ${n}` });
    socket.close();
    const later = new Reader();
    await eventsOf<ServerEvent>(events, (event) => {
      later.take(event);
      return event.type === 'live';
    });
    const page = (await (await fetch(`${first.url}/api/history/${conversationId}?${user}`)).json()) as Page;
    const ask = { model: 'texts', messages: [{ role: 'user', content: String(n) }] };
    const answer = await post('/v1/chat/completions', ask);
    expect([n, answer.status, answer.status === 200 ? '' : await answer.clone().text()]).toEqual([n, 200, '']);
    const completion = (await answer.json()) as { choices: { message: { content: string } }[] };
    const streamedParts = await fetch(`${first.url}/v1/chat/completions?${user}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...ask, stream: true }),
    }).then((response) => response.text());
    found[n] = {
      ...{ 'WebSocket, live': live.textOf(runId), 'event stream, live': streamed.textOf(runId), snapshot: later.textOf(runId) },
      'history of the log': page.messages.find(({ messageId }) => messageId === runId)?.text,
      '/v1, whole': completion.choices[0]!.message.content,
      '/v1, streamed': [...streamedParts.matchAll(/^data: (\{[^\n]*)/gm)]
        .map(([, data]) => (JSON.parse(data!) as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content ?? '')
        .join(''),
    };
    const whole = wholeOf(text);
    expect([live.end!.bytes, live.end!.sha256]).toEqual([Buffer.byteLength(whole), sha256(whole)]);
  }
  await first.close();

  // Another process knows what the database holds.
  const second = await start(dir, provider);
  for (const [n, places] of found.entries()) {
    const page = (await (await fetch(`${second.url}/api/history/c${n}?${user}`)).json()) as Page;
    places['history of the database'] = page.messages.find(({ messageId }) => messageId === `r${n}`)?.text;
    const replay = await eventsOf<{ text?: string; reason?: string }>(
      `${second.url}/api/runs/r${n}/replay?speed=0&${user}`,
      ({ reason }) => reason !== undefined,
    );
    places['replay'] = replay.map(({ text }) => text ?? '').join('');
    const title = new Reader();
    await eventsOf<ServerEvent>(`${second.url}/api/conversations/c${n}/events?${user}`, (event) => {
      title.take(event);
      return event.type === 'live';
    });
    places['snapshot of what came back'] = title.textOf(`r${n}`);
  }
  const expected = TEXTS.map((text, n) => Object.fromEntries(Object.keys(found[n]!).map((place) => [place, wholeOf(text)])));
  expect(Object.keys(found[0]!)).toHaveLength(9);
  expect(found).toEqual(expected);
});
